import { canRedirect, type StorageDriver } from "../contract/driver.js";
import { capabilitiesOf } from "./capabilities.js";

/** Driver calls that are measured, by the names of the original's metrics (contract §9.2): no streams, no walks. */
export type ObservedAction = "GetContent" | "PutContent" | "Stat" | "List" | "Move" | "Delete" | "RedirectURL";

/** Told of each measured call when it is over, well or badly. */
export type ObserveAction = (driver: string, action: ObservedAction, seconds: number) => void;

/** A driver that tells `observe` how long its calls take, and otherwise is the one below. */
export function observeDriver(driver: StorageDriver, observe: ObserveAction): StorageDriver {
  async function timed<T>(action: ObservedAction, call: () => Promise<T>): Promise<T> {
    const started = performance.now();
    try {
      return await call();
    } finally {
      observe(driver.name, action, (performance.now() - started) / 1000);
    }
  }
  const observed: StorageDriver = {
    name: driver.name,
    read: (path, options) => timed("GetContent", () => driver.read(path, options)),
    write: (path, bytes, options) => timed("PutContent", () => driver.write(path, bytes, options)),
    stat: (path, options) => timed("Stat", () => driver.stat(path, options)),
    open: (path, options) => driver.open(path, options),
    writer: (path, options) => driver.writer(path, options),
    list: (path, options) => timed("List", () => driver.list(path, options)),
    move: (from, to, options) => timed("Move", () => driver.move(from, to, options)),
    delete: (path, options) => timed("Delete", () => driver.delete(path, options)),
    close: () => driver.close(),
  };
  if (!canRedirect(driver)) return Object.assign(observed, capabilitiesOf(driver));
  return Object.assign(observed, capabilitiesOf(driver), {
    redirectUrl: (...call: Parameters<typeof driver.redirectUrl>) =>
      timed("RedirectURL", () => driver.redirectUrl(...call)),
  });
}
