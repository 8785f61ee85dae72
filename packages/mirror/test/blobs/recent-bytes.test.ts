import { randomBytes } from "node:crypto";
import { KIB } from "@longshore/base/size";
import { expect, it } from "vitest";
import { BLOCK, createBlockPool, type BlockPool } from "../../src/blobs/block-pool.js";
import { createRecentBytes } from "../../src/blobs/recent-bytes.js";

/** A pool that counts the blocks it had to make. */
function countingPool(): { readonly pool: BlockPool; readonly made: () => number } {
  const pool = createBlockPool();
  const seen = new Set<Uint8Array>();
  return {
    made: () => seen.size,
    pool: {
      ...pool,
      take() {
        const block = pool.take();
        seen.add(block);
        return block;
      },
    },
  };
}

it("holds the last bytes in blocks that are used again", () => {
  const { pool, made } = countingPool();
  const recent = createRecentBytes(4 * BLOCK, pool, () => Number.POSITIVE_INFINITY);
  const bytes = randomBytes(20 * BLOCK + 1000);
  for (let at = 0; at < bytes.length; at += 60 * KIB) {
    recent.push(bytes.subarray(at, at + 60 * KIB), bytes.length - at);
  }
  expect(recent.end).toBe(bytes.length);
  expect(made()).toBe(4);
  let at = recent.start;
  while (at < recent.end) {
    const lent = recent.lend(at, bytes.length);
    expect(bytes.subarray(at).indexOf(lent?.bytes ?? "nothing")).toBe(0);
    at += lent?.bytes.length ?? bytes.length;
    lent?.release();
  }
  expect(recent.lend(recent.start - 1, bytes.length)).toBeUndefined();
});

it.each(["reader that still sends it", "writer that hasn't written it"])("leaves a block to the %s", (who) => {
  const pool = createBlockPool();
  const isRead = who.startsWith("reader");
  const recent = createRecentBytes(2 * BLOCK, pool, () => (isRead ? Number.POSITIVE_INFINITY : 0));
  const bytes = randomBytes(8 * BLOCK);
  const [copy] = recent.push(bytes.subarray(0, BLOCK), bytes.length);
  const lent = isRead ? recent.lend(0, BLOCK) : undefined;
  recent.push(bytes.subarray(BLOCK), bytes.length - BLOCK);
  recent.clear();
  // Another download takes what has been given back.
  createRecentBytes(8 * BLOCK, pool, () => 0).push(randomBytes(8 * BLOCK), 8 * BLOCK);
  expect(Buffer.from(copy ?? []).equals(bytes.subarray(0, BLOCK))).toBe(true);
  lent?.release();
});

it("takes no block for a small blob", () => {
  const { pool, made } = countingPool();
  const recent = createRecentBytes(4 * BLOCK, pool, () => Number.POSITIVE_INFINITY);
  recent.push(Buffer.from("small"), 5);
  expect(made()).toBe(0);
  expect(Buffer.from(recent.lend(0, 4)?.bytes ?? []).toString()).toBe("smal");
});
