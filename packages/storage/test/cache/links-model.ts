import { createBackground } from "../../src/cache/background.js";
import { createSharedLinks, LINK_LIFETIME } from "../../src/cache/shared-links.js";
import type { SharedMemory } from "../../src/cache/shared-memory.js";
import type { LinkCache, LinkName } from "../../src/contract/caches.js";
import { digestOf, type Digest } from "../../src/model/digest.js";
import { createFakeMemory, type Mistakes } from "./fake-memory.js";
import { createSimulation, type Simulation } from "./simulation.js";

/** Parameters of a run. */
export interface Weather extends Mistakes {
  readonly seed: number;
  readonly replicas: number;
  /** The probability that a replica is cut off from the memory at any time. */
  readonly cutOff: number;
  /** The probability that a call's answer is lost, or that it takes effect long after its caller has given up. */
  readonly lost: number;
  /** The probability that the storage takes seconds for a call. */
  readonly slow: number;
  /** Reads and writes in {@link SPAN}; 60 by default. */
  readonly operations?: number;
  /** The probability that an operation is a write; 0.25 by default. */
  readonly writes?: number;
  /** Writers that can't reach the memory answer without waiting. */
  readonly impatient?: boolean;
}

const LINKS: readonly LinkName[] = ["a", "b"].map((path) => ({ kind: "tag", path }));
const COMMAND_TIMEOUT = 100;
const SPAN = 40_000;

/**
 * Lets replicas write and read links through one memory under faults, and returns every stale answer: one older than
 * a change that had been acknowledged before the read began.
 */
export async function staleAnswers(weather: Weather): Promise<readonly string[]> {
  const simulation = createSimulation(weather.seed);
  const { random, delay, now } = simulation;
  const storage = createStorage(simulation, weather);
  const memory = createFakeMemory(now, weather);
  const replicas = Array.from({ length: weather.replicas }, () => replica(simulation, memory, weather));
  const stale: string[] = [];
  const pick = <T>(items: readonly T[]): T => {
    const item = items[Math.floor(random() * items.length)];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  };

  const write = async (links: LinkCache, link: LinkName): Promise<void> => {
    const written = await links.changing([link], () => storage.write(link.path, random() < 0.2));
    storage.acknowledge(link.path, written);
  };
  const read = async (links: LinkCache, link: LinkName): Promise<void> => {
    const least = storage.acknowledged(link.path);
    const asked = now();
    const found = await links.through(link, () => storage.read(link.path));
    const version = found === undefined ? undefined : storage.versionOf(found);
    if (version !== undefined && version < least) {
      stale.push(`${link.path}: asked at ${asked}, told version ${version}, acknowledged was ${least}`);
    }
  };
  const operations = Array.from({ length: weather.operations ?? 60 }, async () => {
    await delay(random() * SPAN);
    await (random() < (weather.writes ?? 0.25)
      ? write(pick(replicas), pick(LINKS))
      : read(pick(replicas), pick(LINKS)));
  });
  await simulation.run();
  await Promise.all(operations);
  return stale;
}

/** Links whose every value is unique, with what has been acknowledged. */
function createStorage({ random, delay }: Simulation, { slow }: Weather) {
  const versions = new Map<Digest, number>();
  const current = new Map<string, Digest | undefined>();
  const acknowledged = new Map<string, number>();
  let version = 0;
  const takesTime = () => delay(random() < slow ? random() * 9000 : random() * 30);
  return {
    async read(path: string): Promise<Digest | undefined> {
      await takesTime();
      const found = current.get(path);
      await takesTime();
      return found;
    },
    /** The version that the change created. */
    async write(path: string, removes: boolean): Promise<number> {
      await takesTime();
      const own = (version += 1);
      const digest = digestOf(new TextEncoder().encode(String(own)));
      versions.set(digest, own);
      current.set(path, removes ? undefined : digest);
      await takesTime();
      return own;
    },
    acknowledge(path: string, own: number): void {
      acknowledged.set(path, Math.max(own, acknowledged.get(path) ?? 0));
    },
    acknowledged: (path: string) => acknowledged.get(path) ?? 0,
    versionOf: (digest: Digest) => versions.get(digest),
  };
}

/** A process's cache, behind its own network. */
function replica(simulation: Simulation, memory: SharedMemory, weather: Weather): LinkCache {
  const { random, delay, now } = simulation;
  let cutOffUntil = 0;

  /** Decides the fate of a call: executed or not, in time or late, answered or not. */
  const call = async <T>(work: () => Promise<T>): Promise<T> => {
    if (now() >= cutOffUntil && random() < weather.cutOff) cutOffUntil = now() + random() * 15_000;
    if (now() < cutOffUntil) {
      await delay(random() * COMMAND_TIMEOUT);
      throw new Error("cut off");
    }
    const isLost = random() < weather.lost;
    const made = (async () => {
      // Some lost calls take effect long after the caller has given up, as on a server that was paused for a while.
      await delay(isLost && random() < 0.5 ? random() * 12_000 : random() * 5);
      const answer = await work();
      await delay(isLost ? COMMAND_TIMEOUT : random() * 5);
      return answer;
    })();
    const late = delay(COMMAND_TIMEOUT).then(() => {
      throw new Error("no answer");
    });
    late.catch(() => undefined);
    return Promise.race([made, late]);
  };

  const through: SharedMemory = {
    ask: (...args) => call(() => memory.ask(...args)),
    fill: (...args) => call(() => memory.fill(...args)),
    release: (...args) => call(() => memory.release(...args)),
    block: (...args) => call(() => memory.block(...args)),
    drop: (...args) =>
      call(() => memory.drop(...args)).catch((error: unknown) => {
        if (weather.impatient !== true) throw error;
      }),
  };
  return createSharedLinks({
    memory: () => through,
    background: createBackground(100),
    lifetime: LINK_LIFETIME,
    now,
    wait: (ms) => delay(ms),
  });
}
