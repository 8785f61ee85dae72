import { getEventListeners } from "node:events";
import { describe, expect, it, vi } from "vitest";
import { aborted, abortable, expiringSignal } from "../src/abort.js";
import { backoff } from "../src/backoff.js";
import { createCircuit } from "../src/circuit.js";
import { withTimeout } from "../src/timeout.js";

function pending<T>() {
  let resolve: (value: T) => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise<T>((done, failed) => {
    resolve = done;
    reject = failed;
  });
  return { promise, resolve, reject };
}

describe("abortable", () => {
  it("returns the task itself without a signal", () => {
    const task = Promise.resolve(1);
    expect(abortable(task, undefined)).toBe(task);
  });

  it("passes on what the task resolves to or rejects with", async () => {
    const { signal } = new AbortController();
    await expect(abortable(Promise.resolve(1), signal)).resolves.toBe(1);
    await expect(abortable(Promise.reject(new Error("broken")), signal)).rejects.toThrow("broken");
  });

  it("rejects with the signal's reason, whatever its type, before and during the wait", async () => {
    await expect(abortable(pending().promise, AbortSignal.abort("early"))).rejects.toBe("early");
    const controller = new AbortController();
    const waiting = abortable(pending().promise, controller.signal);
    controller.abort("late");
    await expect(waiting).rejects.toBe("late");
  });

  it("passes a late result to `discard`, whose failure is ignored", async () => {
    const task = pending<string>();
    const discard = vi.fn(() => Promise.reject(new Error("ignored")));
    await expect(abortable(task.promise, AbortSignal.abort("gone"), discard)).rejects.toBe("gone");
    task.resolve("handle");
    await expect.poll(() => discard.mock.calls).toEqual([["handle"]]);
  });
});

describe("withTimeout", () => {
  it("passes on the outcome of work that finishes in time", async () => {
    await expect(withTimeout(Promise.resolve("done"), 60_000, () => "late")).resolves.toBe("done");
    await expect(withTimeout(Promise.reject(new Error("broken")), 60_000, () => "late")).rejects.toThrow("broken");
  });

  it("returns or throws what `onTimeout` does", async () => {
    await expect(withTimeout(pending().promise, 1, () => "late")).resolves.toBe("late");
    const refuse = () => {
      throw new Error("too late");
    };
    await expect(withTimeout(pending().promise, 1, refuse)).rejects.toThrow("too late");
  });
});

describe("backoff", () => {
  const limits = { first: 100, longest: 5000 };

  it("doubles up to the longest pause", () => {
    expect([1, 2, 3, 6, 7, 1000].map((failures) => backoff(limits, failures, 0, 0.5))).toEqual([
      100, 200, 400, 3200, 5000, 5000,
    ]);
  });

  it("varies by the jitter below the pause", () => {
    expect(backoff(limits, 2, 1, 0)).toBe(0);
    expect(backoff(limits, 2, 1, 0.5)).toBe(100);
    expect(backoff(limits, 2, 0.5, 0)).toBe(100);
    expect(backoff(limits, 2, 0.5, 0.999)).toBeLessThan(200);
  });
});

describe("a circuit", () => {
  function circuitAt(threshold: number) {
    let time = 0;
    const circuit = createCircuit({ threshold, pause: 1000, now: () => time });
    return { circuit, advance: (by: number) => (time += by) };
  }

  it("opens after the configured number of consecutive failures, and says how long to wait", () => {
    const { circuit, advance } = circuitAt(2);
    circuit.failed();
    circuit.succeeded();
    circuit.failed();
    expect([circuit.enter(), circuit.isOpen]).toEqual([0, false]);
    circuit.failed();
    expect([circuit.enter(), circuit.isOpen]).toEqual([1000, true]);
    advance(400);
    expect(circuit.enter()).toBe(600);
  });

  it("admits a single trial, whose outcome decides", () => {
    const { circuit, advance } = circuitAt(1);
    circuit.failed();
    advance(1000);
    expect([circuit.enter(), circuit.enter()]).toEqual([0, 1000]);
    circuit.failed();
    expect(circuit.enter()).toBe(1000);
    advance(1000);
    expect(circuit.enter()).toBe(0);
    circuit.succeeded();
    expect([circuit.enter(), circuit.isOpen]).toEqual([0, false]);
  });

  it("admits another trial after one was abandoned", () => {
    const { circuit, advance } = circuitAt(1);
    circuit.failed();
    advance(1000);
    circuit.enter();
    circuit.abandoned();
    expect(circuit.enter()).toBe(0);
  });

  it("never opens with a threshold of 0", () => {
    const { circuit } = circuitAt(0);
    for (let failures = 0; failures < 100; failures++) circuit.failed();
    expect(circuit.enter()).toBe(0);
  });
});

describe("a signal that expires", () => {
  it("aborts when its time is up, and with its parent, whatever comes first", async () => {
    using short = expiringSignal(undefined, 1);
    await aborted(short.signal);
    expect(short.signal.reason).toMatchObject({ name: "TimeoutError" });
    const parent = new AbortController();
    using child = expiringSignal(parent.signal, 60_000);
    const gone = new Error("gone");
    parent.abort(gone);
    expect(child.signal.reason).toBe(gone);
    using late = expiringSignal(parent.signal, 60_000);
    expect(late.signal.reason).toBe(gone);
  });

  it("leaves neither a listener nor a timer behind", () => {
    const parent = new AbortController();
    const before = process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const child = expiringSignal(parent.signal, 60_000);
    expect(getEventListeners(parent.signal, "abort")).toHaveLength(1);
    child[Symbol.dispose]();
    expect(getEventListeners(parent.signal, "abort")).toHaveLength(0);
    expect(process.getActiveResourcesInfo().filter((name) => name === "Timeout")).toHaveLength(before);
    parent.abort();
    expect(child.signal.aborted).toBe(false);
  });
});
