import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createBackground } from "../../src/cache/background.js";
import { createSharedLinks } from "../../src/cache/shared-links.js";
import type { SharedMemory } from "../../src/cache/shared-memory.js";
import type { LinkName } from "../../src/contract/caches.js";
import { someDigest } from "../store/support.js";
import { createFakeMemory } from "./fake-memory.js";
import { staleAnswers, type Weather } from "./links-model.js";

const LINK: LinkName = { kind: "tag", path: "/a/tag" };
const OLD = someDigest("0");
const NEW = someDigest("1");

/** A cache over its own memory, with a clock that only waiting advances. */
function setup(over: Partial<SharedMemory> = {}) {
  let now = 0;
  const background = createBackground(10);
  const waits: number[] = [];
  const memory = { ...createFakeMemory(() => now), ...over };
  const links = createSharedLinks({
    memory: () => memory,
    background,
    lifetime: 1000,
    now: () => now,
    wait: (ms) => {
      waits.push(ms);
      now += ms;
      return Promise.resolve();
    },
  });
  const reads: unknown[] = [];
  const read = (value: typeof OLD | undefined) => () => {
    reads.push(value);
    return Promise.resolve(value);
  };
  return { links, background, waits, memory, reads, read, pass: (ms: number) => (now += ms) };
}

const refuse = () => Promise.reject(new Error("away"));

describe("shared links", () => {
  it("are read once, and then cached for their lifetime", async () => {
    const { links, background, reads, read, pass } = setup();
    expect(await links.through(LINK, read(OLD))).toBe(OLD);
    await background.idle();
    pass(999);
    expect(await links.through(LINK, read(NEW))).toBe(OLD);
    pass(1);
    expect(await links.through(LINK, read(NEW))).toBe(NEW);
    expect(reads).toEqual([OLD, NEW]);
  });

  it("that don't exist are read from the storage each time", async () => {
    const { links, background, reads, read } = setup();
    for (let times = 0; times < 3; times += 1) {
      expect(await links.through(LINK, read(undefined))).toBeUndefined();
      await background.idle();
    }
    expect(reads).toHaveLength(3);
  });

  it("are dropped by a change, even by one that fails", async () => {
    const { links, background, read } = setup();
    for (const work of [() => Promise.resolve(1), () => Promise.reject(new Error("disk"))]) {
      await links.through(LINK, read(OLD));
      await background.idle();
      await links.changing([LINK], work).catch(() => undefined);
      expect(await links.through(LINK, read(NEW))).toBe(NEW);
      await links.changing([LINK], () => Promise.resolve());
    }
  });

  it("are read from the storage while they change, and nothing read then is cached", async () => {
    const { links, background, read } = setup();
    await links.changing([LINK], async () => {
      expect(await links.through(LINK, read(OLD))).toBe(OLD);
      await background.idle();
      expect(await links.through(LINK, read(NEW))).toBe(NEW);
    });
    expect(await links.through(LINK, read(NEW))).toBe(NEW);
  });

  it("that are announced during the change are dropped as well", async () => {
    const { links, background, read } = setup();
    const other: LinkName = { kind: "manifest", path: "/a/revision" };
    await links.through(other, read(OLD));
    await background.idle();
    await links.changing([LINK], (announce) => announce([other]));
    expect(await links.through(other, read(NEW))).toBe(NEW);
  });

  it("aren't filled by a reader that read before a change and stores afterwards", async () => {
    const { links, background, read } = setup();
    await links.through(LINK, async () => {
      await links.changing([LINK], () => Promise.resolve());
      return OLD;
    });
    await background.idle();
    expect(await links.through(LINK, read(NEW))).toBe(NEW);
  });

  it("come from the storage if the memory fails, and a change waits for what it may still hold", async () => {
    const { links, waits, read } = setup({ ask: refuse, fill: refuse, block: refuse, drop: refuse });
    expect(await links.through(LINK, read(OLD))).toBe(OLD);
    await links.changing([LINK], () => Promise.resolve());
    expect(waits.reduce((sum, each) => sum + each)).toBeGreaterThanOrEqual(1000);
  });

  it("stop delaying a change once it is announced", async () => {
    let attempts = 0;
    const memory = setup();
    const { links, waits } = setup({
      drop: (keys) => ((attempts += 1) < 3 ? refuse() : memory.memory.drop(keys)),
    });
    await links.changing([LINK], () => Promise.resolve());
    expect(waits).toEqual([250, 250]);
  });

  it("don't acknowledge a change to a caller that gives up waiting", async () => {
    const links = createSharedLinks({
      memory: () => ({ ...createFakeMemory(() => 0), drop: refuse }),
      background: createBackground(1),
    });
    const signal = AbortSignal.abort(new Error("gone"));
    await expect(links.changing([LINK], () => Promise.resolve(1), { signal })).rejects.toThrow(/abort/i);
  });

  it("with garbled entries are read from the storage", async () => {
    const { links, background, memory, read } = setup();
    await memory.ask(LINK.path, "token", 1000);
    await memory.fill(LINK.path, "token", "sha256:short");
    expect(await links.through(LINK, read(NEW))).toBe(NEW);
    await background.idle();
  });
});

const weather = fc.record({
  seed: fc.integer(),
  replicas: fc.integer({ min: 1, max: 3 }),
  cutOff: fc.constantFrom(0, 0.05, 0.3),
  lost: fc.constantFrom(0, 0.1, 0.4),
  slow: fc.constantFrom(0, 0.1, 0.5),
  operations: fc.constantFrom(60, 200),
  writes: fc.constantFrom(0.04, 0.25),
});

/** The stale answers in a few hundred runs with faults. */
async function staleIn(runs: number, more: Partial<Weather>): Promise<number> {
  let stale = 0;
  for (const each of fc.sample(weather, { numRuns: runs, seed: 42 })) {
    stale += (await staleAnswers({ ...each, ...more })).length;
  }
  return stale;
}

describe("shared links under faults", () => {
  it("never return what an acknowledged change had replaced", async () => {
    await fc.assert(
      fc.asyncProperty(weather, async (each) => {
        expect(await staleAnswers(each)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  }, 60_000);

  it.each<readonly [string, Partial<Weather>]>([
    ["filling without permission", { fillsAnyway: true, slow: 0.5 }],
    [
      "an entry whose lifetime starts when it is filled",
      { livesLonger: true, slow: 0.5, cutOff: 0.1, lost: 0, replicas: 3, operations: 200, writes: 0.04 },
    ],
    ["not waiting when a change can't be announced", { impatient: true, cutOff: 0.3, replicas: 3 }],
  ])(
    "(the model detects %s)",
    async (_, mistake) => {
      expect(await staleIn(150, mistake)).toBeGreaterThan(0);
    },
    60_000,
  );
});
