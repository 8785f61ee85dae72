import {
  canRedirect,
  canTouch,
  type CallOptions,
  type ContentStream,
  type FileWriter,
  type Redirecting,
  type StorageDriver,
  type Touching,
} from "../contract/driver.js";
import { isObjectStorage, type ObjectStorage } from "../contract/object-storage.js";
import { capabilitiesOf } from "./capabilities.js";

/** The calls of a driver: the first nine under the names that Distribution gives them in metrics and traces (wire contract §9). */
export type DriverOperation =
  | "GetContent"
  | "PutContent"
  | "Stat"
  | "List"
  | "Move"
  | "Delete"
  | "RedirectURL"
  | "Reader"
  | "Writer"
  | "Touch"
  | "Compose"
  | "ReadVersioned"
  | "WriteVersioned"
  | "DeleteFiles"
  | "AbortUnfinished";

/** The arguments of a call, as far as it has them. */
export interface CallDetails {
  readonly path: string;
  /** The target of a call that moves or joins files; `path` is then the source. */
  readonly destination?: string | undefined;
  /** The number of bytes that are written. */
  readonly length?: number | undefined;
  /** The byte at which a reader starts. */
  readonly offset?: number | undefined;
  readonly append?: boolean | undefined;
  /** Ends the call when it aborts. */
  readonly signal?: AbortSignal | undefined;
}

/** What is executed around each call of a driver. */
export interface Around {
  /** Makes the call with `run` and passes on its result. */
  call<T>(operation: DriverOperation, details: CallDetails, run: () => Promise<T>): Promise<T>;
  /** As `call` for "Reader", whose work continues until the stream is closed. */
  reader(details: CallDetails, run: () => Promise<ContentStream>): Promise<ContentStream>;
  /** As `call` for "Writer", whose work continues until the writer is closed. */
  writer(details: CallDetails, run: () => Promise<FileWriter>): Promise<FileWriter>;
}

/** Wraps every call of `driver` in `around`; the wrapper has the same capabilities. */
export function wrapDriver(driver: StorageDriver, around: Around): StorageDriver {
  const calls: StorageDriver = {
    name: driver.name,
    read: (path, options) => around.call("GetContent", details(path, options), () => driver.read(path, options)),
    write: (path, bytes, options) =>
      around.call("PutContent", { path, length: bytes.byteLength, signal: options?.signal }, () =>
        driver.write(path, bytes, options),
      ),
    stat: (path, options) => around.call("Stat", details(path, options), () => driver.stat(path, options)),
    open: (path, options) =>
      around.reader({ path, offset: options?.start ?? 0, signal: options?.signal }, () => driver.open(path, options)),
    writer: (path, options) =>
      around.writer({ path, append: options?.append ?? false, signal: options?.signal }, () =>
        driver.writer(path, options),
      ),
    list: (path, options) => around.call("List", details(path, options), () => driver.list(path, options)),
    move: (path, destination, options) =>
      around.call("Move", { path, destination, signal: options?.signal }, () =>
        driver.move(path, destination, options),
      ),
    delete: (path, options) => around.call("Delete", details(path, options), () => driver.delete(path, options)),
    close: () => driver.close(),
  };
  return Object.assign(calls, capabilitiesOf(driver), wrapCapabilities(driver, around));
}

/** Wraps the capabilities that access the storage. */
function wrapCapabilities(driver: StorageDriver, around: Around): Partial<Redirecting & Touching & ObjectStorage> {
  const redirecting: Redirecting | undefined = canRedirect(driver)
    ? {
        redirectUrl: (path, request, options) =>
          around.call("RedirectURL", details(path, options), () => driver.redirectUrl(path, request, options)),
      }
    : undefined;
  const touching: Touching | undefined = canTouch(driver)
    ? {
        touch: (path, options) => around.call("Touch", details(path, options), () => driver.touch(path, options)),
        moveInto: (path, destination, options) =>
          around.call("Move", { path, destination, signal: options?.signal }, () =>
            driver.moveInto(path, destination, options),
          ),
        prune: (path, options) => around.call("Delete", details(path, options), () => driver.prune(path, options)),
        writeNew: (path, bytes, options) =>
          around.call("PutContent", { path, length: bytes.byteLength, signal: options?.signal }, () =>
            driver.writeNew(path, bytes, options),
          ),
        resolveLink: (path, base, options) =>
          around.call("Stat", details(path, options), () => driver.resolveLink(path, base, options)),
      }
    : undefined;
  return { ...redirecting, ...touching, ...(isObjectStorage(driver) ? wrapObjectStorage(driver, around) : {}) };
}

function wrapObjectStorage(driver: ObjectStorage, around: Around): Partial<ObjectStorage> {
  return {
    compose: (sources, destination, options) =>
      around.call("Compose", { path: sources[0]?.path ?? "", destination, signal: options?.signal }, () =>
        driver.compose(sources, destination, options),
      ),
    readVersioned: (path, options) =>
      around.call("ReadVersioned", details(path, options), () => driver.readVersioned(path, options)),
    writeVersioned: (path, bytes, expected, options) =>
      around.call("WriteVersioned", { path, length: bytes.byteLength, signal: options?.signal }, () =>
        driver.writeVersioned(path, bytes, expected, options),
      ),
    deleteFiles: (paths, options) =>
      around.call("DeleteFiles", details(paths[0] ?? "", options), () => driver.deleteFiles(paths, options)),
    abortUnfinished: (path, olderThan, options) =>
      around.call("AbortUnfinished", details(path, options), () => driver.abortUnfinished(path, olderThan, options)),
  };
}

function details(path: string, options: CallOptions | undefined): CallDetails {
  return { path, signal: options?.signal };
}
