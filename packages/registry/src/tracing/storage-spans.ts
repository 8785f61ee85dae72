import { SpanKind, type Attributes } from "@opentelemetry/api";
import {
  isStorageError,
  wrapDriver,
  type CallDetails,
  type ContentStream,
  type FileWriter,
  type StorageDriver,
} from "@longshore/storage";
import { failSpan, type OpenSpan, type Spans } from "./spans.js";

const PREFIX = "io.cncf.distribution.storage";

/**
 * Wraps a driver so that its calls have spans with Distribution's names and attributes (wire contract §9.3). Calls outside
 * of a request, such as purging and health checks, have none: each would be a trace of its own, thousands of them. Spans of
 * readers and writers last until those are closed and record the number of bytes; Distribution's end once the file is open.
 */
export function traceDriver(driver: StorageDriver, spans: Spans): StorageDriver {
  const begin = (operation: string, details: CallDetails): OpenSpan =>
    spans.begin(operation, SpanKind.INTERNAL, attributesOf(driver.name, details));
  return wrapDriver(driver, {
    async call(operation, details, run) {
      if (!spans.isWithin()) return run();
      const open = begin(operation, details);
      try {
        const result = await spans.within(open, run);
        open.span.end();
        return result;
      } catch (error) {
        endFailed(open, error);
        throw error;
      }
    },
    async reader(details, run) {
      if (!spans.isWithin()) return run();
      const open = begin("Reader", details);
      return traceStream(await opened(open, spans, run), open);
    },
    async writer(details, run) {
      if (!spans.isWithin()) return run();
      const open = begin("Writer", details);
      return traceWriter(await opened(open, spans, run), open);
    },
  });
}

async function opened<T>(open: OpenSpan, spans: Spans, run: () => Promise<T>): Promise<T> {
  try {
    return await spans.within(open, run);
  } catch (error) {
    endFailed(open, error);
    throw error;
  }
}

/** A missing path is a valid result: marked as a failure, it would make most pushes look failed. */
function endFailed({ span }: OpenSpan, error: unknown): void {
  if (isStorageError(error, "PATH_NOT_FOUND")) span.end();
  else failSpan(span, error);
}

function attributesOf(driver: string, { path, destination, length, offset, append }: CallDetails): Attributes {
  const paths =
    destination === undefined
      ? { [`${PREFIX}.path`]: path }
      : { [`${PREFIX}.source.path`]: path, [`${PREFIX}.dest.path`]: destination };
  return {
    [`${PREFIX}.driver.name`]: driver,
    ...paths,
    [`${PREFIX}.content.length`]: length,
    [`${PREFIX}.offset`]: offset,
    [`${PREFIX}.append`]: append,
  };
}

function traceStream(stream: ContentStream, { span }: OpenSpan): ContentStream {
  let bytes = 0;
  return {
    size: stream.size,
    [Symbol.asyncIterator]() {
      const chunks = stream[Symbol.asyncIterator]();
      return {
        async next() {
          const next = await chunks.next();
          if (next.done !== true) bytes += next.value.byteLength;
          return next;
        },
        return: async (value?: unknown) => (await chunks.return?.(value)) ?? { done: true, value: undefined },
      };
    },
    async close() {
      await stream.close();
      if (!span.isRecording()) return;
      span.setAttribute(`${PREFIX}.content.length`, bytes);
      span.end();
    },
  };
}

function traceWriter(writer: FileWriter, { span }: OpenSpan): FileWriter {
  const before = writer.size;
  const ending = async (work: () => Promise<void>): Promise<void> => {
    if (!span.isRecording()) return work();
    try {
      await work();
    } catch (error) {
      failSpan(span, error);
      throw error;
    }
    span.setAttribute(`${PREFIX}.content.length`, Math.max(0, writer.size - before));
    span.end();
  };
  return {
    get size() {
      return writer.size;
    },
    get flushed() {
      return writer.flushed;
    },
    write: (chunk, options) => writer.write(chunk, options),
    close: (options) => ending(() => writer.close(options)),
    commit: (options) => ending(() => writer.commit(options)),
    cancel: (options) => ending(() => writer.cancel(options)),
  };
}
