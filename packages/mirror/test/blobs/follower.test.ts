import { expect, it } from "vitest";
import type { ContentStream } from "@longshore/storage";
import { createChanges } from "../../src/blobs/changes.js";
import { createFollower, type Followed, type Follower } from "../../src/blobs/follower.js";

const BYTES = Buffer.from(Array.from({ length: 100 }, (_, index) => index));

/** All of the file from `start` on in one chunk; `onClose` runs while the reader leaves it. */
function fileFrom(start: number, onClose: () => Promise<void>): ContentStream {
  const chunks = [BYTES.subarray(start)].values();
  return {
    size: BYTES.length,
    close: onClose,
    [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve(chunks.next()) }),
  };
}

it("a reader gets each byte once if the blob is stored while it leaves the file", async () => {
  let readable = 50;
  const followed: Followed = {
    changes: createChanges(),
    // Nothing is held in memory: the reader is far behind.
    recent: undefined,
    get readable() {
      return readable;
    },
    failure: undefined,
    open: (start) =>
      Promise.resolve(
        fileFrom(start, async () => {
          if (readable === BYTES.length) return;
          readable = BYTES.length;
          await follower.hold();
        }),
      ),
  };
  const follower: Follower = createFollower(followed, { start: 0, stop: 100, size: 100 }, undefined, () => undefined);
  const got: Buffer[] = [];
  for await (const chunk of follower.stream) got.push(Buffer.from(chunk));
  expect(Buffer.concat(got)).toEqual(BYTES);
});
