import { describe, expect, it } from "vitest";
import { createFairQueue } from "../../src/throttle/fair-queue.js";

/** Jobs that end when they are told to. */
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
    // Lets what hangs on the job's end run.
    await new Promise<void>((resolve) => void setImmediate(resolve));
  };
  return { started, job, end };
}

describe("a fair queue", () => {
  it("runs one job of a source at a time, and as many as it may of all", async () => {
    const queue = createFairQueue({ concurrency: 2, waiting: 10, waitingPerSource: 10 });
    const { started, job, end } = jobs();
    void queue.run("a", job("a1"));
    void queue.run("a", job("a2"));
    void queue.run("b", job("b1"));
    void queue.run("c", job("c1"));
    expect(started).toEqual(["a1", "b1"]);
    await end("b1");
    expect(started).toEqual(["a1", "b1", "c1"]);
    await end("a1");
    expect(started).toEqual(["a1", "b1", "c1", "a2"]);
  });

  it("lets sources take turns", async () => {
    const queue = createFairQueue({ concurrency: 1, waiting: 10, waitingPerSource: 10 });
    const { started, job, end } = jobs();
    for (const name of ["a1", "a2", "a3", "b1", "c1", "b2"]) void queue.run(name.slice(0, 1), job(name));
    for (const name of ["a1", "b1", "c1", "a2", "b2", "a3"]) await end(name);
    expect(started).toEqual(["a1", "b1", "c1", "a2", "b2", "a3"]);
  });

  it("refuses at once what is too much, of one source and of all", async () => {
    const queue = createFairQueue({ concurrency: 1, waiting: 3, waitingPerSource: 2 });
    const { job, end } = jobs();
    expect(queue.run("a", job("a1"))).toBeDefined();
    expect(queue.run("a", job("a2"))).toBeDefined();
    expect(queue.run("a", job("a3"))).toBeDefined();
    expect(queue.run("a", job("a4"))).toBeUndefined();
    expect(queue.run("b", job("b1"))).toBeDefined();
    expect(queue.run("c", job("c1"))).toBeUndefined();
    await end("a1");
    expect(queue.run("c", job("c1"))).toBeDefined();
  });

  it("hands on what jobs give and throw, and goes on", async () => {
    const queue = createFairQueue({ concurrency: 1, waiting: 1, waitingPerSource: 1 });
    await expect(queue.run("a", () => Promise.reject(new Error("bad")))).rejects.toThrow("bad");
    expect(await queue.run("a", () => Promise.resolve(7))).toBe(7);
  });
});
