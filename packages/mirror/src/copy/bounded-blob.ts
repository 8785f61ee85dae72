import type { Descriptor } from "@longshore/storage";
import type { UpstreamBlob } from "../upstream/contract.js";
import { CopyError } from "./contract.js";

/** `blob`, counted, and held to the size that its descriptor says: an endless one ends there. */
export function boundedBlob(
  blob: UpstreamBlob,
  { digest, size }: Descriptor,
  count: (bytes: number) => void,
): UpstreamBlob {
  const wrong = (actual: string): CopyError =>
    new CopyError(`the blob ${digest} should have ${size} bytes and has ${actual}`);
  return {
    size,
    close: () => blob.close(),
    async *[Symbol.asyncIterator]() {
      if (blob.size !== size) throw wrong(String(blob.size));
      let read = 0;
      for await (const chunk of blob) {
        read += chunk.byteLength;
        if (read > size) throw wrong("more");
        count(chunk.byteLength);
        yield chunk;
      }
      if (read < size) throw wrong(String(read));
    },
  };
}
