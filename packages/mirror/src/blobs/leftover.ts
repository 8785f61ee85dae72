import { isStorageError, type ContentStream, type StorageDriver } from "@longshore/storage";
import type { UpstreamBlob } from "../upstream/contract.js";

/** The bytes that a dead process had received of a blob. */
export interface Leftover {
  readonly file: string;
  /** Bytes. */
  readonly length: number;
  readonly stream: ContentStream;
}

/** Opens the file of a dead process; undefined where it isn't here, or has nothing. Throws StorageError. */
export async function openLeftover(files: StorageDriver, file: string): Promise<Leftover | undefined> {
  try {
    const { size } = await files.stat(file, { fileOnly: true });
    // At least one byte is asked of the upstream, which then says how many there are.
    const length = size - 1;
    if (length <= 0) return undefined;
    return { file, length, stream: await files.open(file, { start: 0, end: length - 1 }) };
  } catch (error) {
    if (isStorageError(error, "PATH_NOT_FOUND")) return undefined;
    throw error;
  }
}

/** The blob whose first bytes are the leftover's; `rest` begins behind them. */
export function joinLeftover({ stream, length }: Leftover, rest: UpstreamBlob): UpstreamBlob {
  const close = async (): Promise<void> => {
    await stream.close();
    await rest.close();
  };
  return {
    size: rest.size,
    close,
    async *[Symbol.asyncIterator]() {
      let left = length;
      for await (const chunk of stream) {
        left -= chunk.length;
        // The driver may fill its buffer again.
        yield Uint8Array.from(chunk);
      }
      if (left !== 0) throw new Error("the file of a download that was interrupted has become shorter");
      yield* rest;
    },
  };
}
