import { describe, expect, it } from "vitest";
import { createPartBuffers } from "../../src/drivers/objects/part-buffers.js";
import { LEAST_PART } from "../../src/drivers/objects/parts.js";

const MIB = 1024 * 1024;
const WAITS = { driver: "s3aws", limit: 60_000, now: () => performance.now() };

describe("the buffers of uploads", () => {
  it("never exceed their budget, and are handed out in turn", async () => {
    const budget = 40 * MIB;
    const buffers = createPartBuffers(budget, 10 * MIB, WAITS);
    const order: number[] = [];
    const taken: Buffer[] = [];
    const takers = Array.from({ length: 20 }, async (_, index) => {
      taken.push(await buffers.take(undefined));
      order.push(index);
    });
    let peak = 0;
    for (let given = 0; given < takers.length;) {
      await Promise.resolve();
      peak = Math.max(peak, buffers.used);
      const next = taken.shift();
      if (next === undefined) continue;
      expect(next.length).toBeGreaterThanOrEqual(LEAST_PART);
      expect(next.length).toBeLessThanOrEqual(10 * MIB);
      buffers.give(next);
      given += 1;
    }
    await Promise.all(takers);
    expect(order).toEqual([...order.keys()]);
    expect(peak).toBeLessThanOrEqual(budget);
    expect(peak).toBeGreaterThanOrEqual(budget / 2);
    expect(buffers.used).toBe(0);
  });

  it("are the size of a part while few want one, and smaller when many do", async () => {
    const buffers = createPartBuffers(40 * MIB, 10 * MIB, WAITS);
    for (const size of [10, 10, 10]) expect((await buffers.take(undefined)).length).toBe(size * MIB);
    const busy = createPartBuffers(80 * MIB, 20 * MIB, WAITS);
    const held = await Promise.all(Array.from({ length: 3 }, () => busy.take(undefined)));
    const waiting = Array.from({ length: 3 }, () => busy.take(undefined));
    for (const buffer of held) busy.give(buffer);
    const sizes = (await Promise.all(waiting)).map(({ length }) => length / MIB);
    expect(sizes[0]).toBeLessThan(20);
    expect(sizes.at(-1)).toBe(20);
    expect((await createPartBuffers(16 * MIB, 1024 * MIB, WAITS).take(undefined)).length).toBe(12 * MIB);
  });

  it("aren't blocked by a waiter that has stopped waiting", async () => {
    const buffers = createPartBuffers(16 * MIB, 10 * MIB, WAITS);
    const first = await buffers.take(undefined);
    const controller = new AbortController();
    const reason = new Error("gone");
    const left = buffers.take(controller.signal);
    const second = buffers.take(undefined);
    controller.abort(reason);
    await expect(left).rejects.toBe(reason);
    await expect(buffers.take(AbortSignal.abort(reason))).rejects.toBe(reason);
    buffers.give(first);
    buffers.give(await second);
    expect(buffers.used).toBe(0);
  });

  it("for small uploads don't wait for large ones, and vice versa", async () => {
    const buffers = createPartBuffers(16 * MIB, 12 * MIB, WAITS);
    const large = await buffers.take(undefined);
    const small = await Promise.all(Array.from({ length: 8 }, () => buffers.takeSmall(undefined)));
    const medium = await Promise.all(small.slice(0, 2).map((one) => buffers.takeLarger(one, undefined)));
    expect(buffers.used).toBe(16 * MIB);
    const another = buffers.takeSmall(undefined);
    buffers.give(large);
    const next = await buffers.take(undefined);
    for (const one of [...small, ...medium]) buffers.give(one);
    buffers.give(await another);
    buffers.give(next);
    expect(buffers.used).toBe(0);
  });
});
