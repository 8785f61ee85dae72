import type { Redirecting, StorageDriver } from "../../contract/driver.js";
import { capabilitiesOf } from "../capabilities.js";

/** What a middleware changes in a driver. */
interface Changes extends Redirecting {
  /** Releases the middleware's own resources; the driver below is closed afterwards. */
  close?(): Promise<void>;
}

/** `driver` with another way to build redirect URLs; everything else is passed on to it. */
export function redirecting(driver: StorageDriver, changes: Changes): StorageDriver & Redirecting {
  return {
    ...capabilitiesOf(driver),
    name: driver.name,
    read: (...call) => driver.read(...call),
    write: (...call) => driver.write(...call),
    stat: (...call) => driver.stat(...call),
    open: (...call) => driver.open(...call),
    writer: (...call) => driver.writer(...call),
    list: (...call) => driver.list(...call),
    move: (...call) => driver.move(...call),
    delete: (...call) => driver.delete(...call),
    redirectUrl: (...call) => changes.redirectUrl(...call),
    close: async () => {
      await changes.close?.();
      await driver.close();
    },
  };
}
