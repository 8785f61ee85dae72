import type { Redirecting, StorageDriver } from "../../contract/driver.js";
import { capabilitiesOf } from "../capabilities.js";

/** What a middleware changes of a driver. */
interface Changes extends Redirecting {
  /** Ends what the middleware itself holds; the driver below is closed after it. */
  close?(): Promise<void>;
}

/** `driver` with addresses of another's making; all else goes to it. */
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
