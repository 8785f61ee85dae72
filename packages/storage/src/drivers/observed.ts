import type { ContentStream, FileWriter, StorageDriver } from "../contract/driver.js";
import { isStorageError } from "../errors.js";
import { wrapDriver, type DriverOperation } from "./around.js";

/** Notified of what a driver does. Called for every call, so it must be fast; it must not throw. */
export interface DriverObserver {
  /**
   * A call has ended. `fault` is the kind of its failure; undefined if it succeeded, if the path doesn't exist, which is a
   * normal answer, or if the caller aborted it.
   */
  call(operation: DriverOperation, seconds: number, fault: string | undefined): void;
  /** Bytes of a file's content were read or written. */
  bytes(direction: "read" | "written", count: number): void;
  /** A stream was opened (1) or closed (-1). */
  open(kind: "reader" | "writer", change: 1 | -1): void;
}

/** Reports everything that `driver` does to `observer`. */
export function observeDriver(driver: StorageDriver, observer: DriverObserver): StorageDriver {
  async function call<T>(
    operation: DriverOperation,
    signal: AbortSignal | undefined,
    run: () => Promise<T>,
  ): Promise<T> {
    const started = performance.now();
    let fault: string | undefined;
    try {
      return await run();
    } catch (error) {
      fault = faultOf(error, signal);
      throw error;
    } finally {
      observer.call(operation, (performance.now() - started) / 1000, fault);
    }
  }
  return wrapDriver(driver, {
    async call(operation, details, run) {
      const result = await call(operation, details.signal, run);
      if (details.length !== undefined) observer.bytes("written", details.length);
      else if (result instanceof Uint8Array) observer.bytes("read", result.byteLength);
      return result;
    },
    reader: async ({ signal }, run) => observeStream(await call("Reader", signal, run), observer),
    writer: async ({ signal }, run) => observeWriter(await call("Writer", signal, run), observer),
  });
}

function faultOf(error: unknown, signal: AbortSignal | undefined): string | undefined {
  if (isStorageError(error)) return error.code === "PATH_NOT_FOUND" ? undefined : error.code.toLowerCase();
  return signal?.aborted === true && error === signal.reason ? undefined : "other";
}

function observeStream(stream: ContentStream, observer: DriverObserver): ContentStream {
  const over = once(() => observer.open("reader", -1));
  observer.open("reader", 1);
  return {
    size: stream.size,
    [Symbol.asyncIterator]() {
      const chunks = stream[Symbol.asyncIterator]();
      return {
        async next() {
          const next = await chunks.next();
          if (next.done !== true) observer.bytes("read", next.value.byteLength);
          return next;
        },
        return: async (value?: unknown) => (await chunks.return?.(value)) ?? { done: true, value: undefined },
      };
    },
    close() {
      over();
      return stream.close();
    },
  };
}

function observeWriter(writer: FileWriter, observer: DriverObserver): FileWriter {
  const over = once(() => observer.open("writer", -1));
  observer.open("writer", 1);
  return {
    get size() {
      return writer.size;
    },
    get flushed() {
      return writer.flushed;
    },
    async write(chunk, options) {
      // The writer owns the chunk afterwards.
      const { byteLength } = chunk;
      await writer.write(chunk, options);
      observer.bytes("written", byteLength);
    },
    close(options) {
      over();
      return writer.close(options);
    },
    async commit(options) {
      await writer.commit(options);
      over();
    },
    cancel(options) {
      over();
      return writer.cancel(options);
    },
  };
}

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (!done) work();
    done = true;
  };
}
