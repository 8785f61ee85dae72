import { describe, expect, it } from "vitest";
import { createFairQueue, CrowdedOutError, type QueuePlace, type Trust } from "../../src/throttle/fair-queue.js";

/** A source, by the networks that contain it: `a/b` is b in a. */
const at = (source: string, trust: Trust = "clean"): QueuePlace => {
  const steps = source.split("/");
  return { groups: steps.map((_, index) => steps.slice(0, index + 1).join("/")), trust };
};

/** Jobs that end when the test says so. */
function jobs() {
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  const job = (name: string) => () =>
    new Promise<string>((resolve) => {
      started.push(name);
      ends.set(name, () => resolve(name));
    });
  const end = async (name: string): Promise<void> => {
    ends.get(name)?.();
    // Lets whatever waits for the job's end run.
    await new Promise<void>((resolve) => void setImmediate(resolve));
  };
  return { started, job, end };
}

describe("a fair queue", () => {
  it("runs several jobs of a source at a time if configured", async () => {
    const queue = createFairQueue({ concurrency: 3, concurrencyPerSource: 2, waiting: 10, waitingPerSource: 10 });
    const { started, job, end } = jobs();
    for (const name of ["a1", "a2", "a3"]) void queue.run(at("a"), job(name));
    void queue.run(at("b"), job("b1"));
    expect(started).toEqual(["a1", "a2", "b1"]);
    await end("b1");
    expect(started).toEqual(["a1", "a2", "b1"]);
    await end("a1");
    expect(started).toEqual(["a1", "a2", "b1", "a3"]);
  });

  it("runs one job of a source at a time, and as many as allowed in total", async () => {
    const queue = createFairQueue({ concurrency: 2, waiting: 10, waitingPerSource: 10 });
    const { started, job, end } = jobs();
    void queue.run(at("a"), job("a1"));
    void queue.run(at("a"), job("a2"));
    void queue.run(at("b"), job("b1"));
    void queue.run(at("c"), job("c1"));
    expect(started).toEqual(["a1", "b1"]);
    await end("b1");
    expect(started).toEqual(["a1", "b1", "c1"]);
    await end("a1");
    expect(started).toEqual(["a1", "b1", "c1", "a2"]);
  });

  it("lets sources take turns", async () => {
    const queue = createFairQueue({ concurrency: 1, waiting: 10, waitingPerSource: 10 });
    const { started, job, end } = jobs();
    for (const name of ["a1", "a2", "a3", "b1", "c1", "b2"]) void queue.run(at(name.slice(0, 1)), job(name));
    for (const name of ["a1", "b1", "c1", "a2", "b2", "a3"]) await end(name);
    expect(started).toEqual(["a1", "b1", "c1", "a2", "b2", "a3"]);
  });

  it("immediately refuses what exceeds the limit of a source", async () => {
    const queue = createFairQueue({ concurrency: 1, waiting: 3, waitingPerSource: 2 });
    const { started, job, end } = jobs();
    for (const name of ["a1", "a2", "a3"]) void queue.run(at("a"), job(name));
    await expect(queue.run(at("a"), job("a4"))).rejects.toThrow(CrowdedOutError);
    for (const name of ["a1", "a2", "a3"]) await end(name);
    expect(started).toEqual(["a1", "a2", "a3"]);
  });

  it("takes a place from the source that has the most when too many wait", async () => {
    const queue = createFairQueue({ concurrency: 1, waiting: 3, waitingPerSource: 3 });
    const { started, job, end } = jobs();
    void queue.run(at("x"), job("x"));
    void queue.run(at("a"), job("a1"));
    void queue.run(at("b"), job("b1"));
    const dropped = queue.run(at("b"), job("b2")).catch((error: unknown) => error);
    void queue.run(at("c"), job("c1"));
    expect(await dropped).toBeInstanceOf(CrowdedOutError);
    // No source has more than this one would.
    await expect(queue.run(at("d"), job("d1"))).rejects.toThrow(CrowdedOutError);
    for (const name of ["x", "a1", "b1", "c1"]) await end(name);
    expect(started).toEqual(["x", "a1", "b1", "c1"]);
  });

  it("counts the sources of one network together, in turns and in places", async () => {
    const queue = createFairQueue({ concurrency: 1, waiting: 4, waitingPerSource: 3 });
    const { started, job, end } = jobs();
    void queue.run(at("x"), job("x"));
    for (const name of ["1", "2", "3"]) void queue.run(at(`n/${name}`), job(name));
    const dropped = queue.run(at("n/4"), job("4")).catch((error: unknown) => error);
    void queue.run(at("m/1"), job("m"));
    expect(await dropped).toBeInstanceOf(CrowdedOutError);
    for (const name of ["x", "1", "m", "2", "3"]) await end(name);
    expect(started).toEqual(["x", "1", "m", "2", "3"]);
  });

  it("serves trusted sources first, in places of their own, and starves no one", async () => {
    const queue = createFairQueue({ concurrency: 1, waiting: 8, waitingPerSource: 8 });
    const { started, job, end } = jobs();
    void queue.run(at("x"), job("x"));
    for (const trust of ["suspect", "clean", "known"] as const)
      for (let index = 0; index < 8; index += 1) void queue.run(at(`${trust}${index}`, trust), job(`${trust}${index}`));
    await expect(queue.run(at("more", "suspect"), job("more"))).rejects.toThrow(CrowdedOutError);
    for (let index = 0; index < 25; index += 1) await end(started.at(-1) ?? "");
    const kinds = started.slice(1).map((name) => name.slice(0, 1));
    expect(kinds).toHaveLength(24);
    expect(kinds.slice(0, 8).join("")).toBe("kkckkkck");
    expect(kinds.indexOf("s")).toBeLessThan(16);
    expect(kinds.lastIndexOf("k")).toBeLessThan(12);
  });

  it("keeps no state of sources that were served or refused", async () => {
    const queue = createFairQueue({ concurrency: 1, waiting: 2, waitingPerSource: 2 });
    for (let index = 0; index < 50; index += 1) {
      const all = Array.from({ length: 5 }, (_, each) => queue.run(at(`n/${each % 3}`), () => Promise.resolve(each)));
      const kept = (await Promise.allSettled(all)).filter(({ status }) => status === "fulfilled");
      // One running, two waiting: as many places as in the first round.
      expect(kept).toHaveLength(3);
    }
  });

  it("passes on what jobs return and throw, and continues", async () => {
    const queue = createFairQueue({ concurrency: 1, waiting: 1, waitingPerSource: 1 });
    await expect(queue.run(at("a"), () => Promise.reject(new Error("bad")))).rejects.toThrow("bad");
    expect(await queue.run(at("a"), () => Promise.resolve(7))).toBe(7);
  });
});
