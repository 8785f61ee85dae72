import { hash } from "node:crypto";
import type { Clock } from "@longshore/auth";
import { HOUR } from "@longshore/base/duration";
import type { Records } from "../../../contract.js";

const FOLDER = "token-server/used-logins";

/** Logins that were completed, so that none can be completed twice. They are remembered for as long as one can take. */
export interface UsedStates {
  /** False if `state` was used before, in whatever process. Throws what {@link Records} throws. */
  use(state: string): Promise<boolean>;
}

/** In `records`, in a folder for each hour: the previous hours' are removed. */
export function openUsedStates(records: Records, clock: Clock): UsedStates {
  let cleaned = 0;

  async function clean(hour: number): Promise<void> {
    for await (const name of records.list(FOLDER)) {
      const [written = ""] = name.slice(FOLDER.length + 1).split("/", 1);
      // A login that began within one hour may end in the next.
      if (Number(written) < hour - 1) await records.remove(name);
    }
  }

  return {
    async use(state) {
      const hour = Math.floor(clock() / HOUR);
      const digest = hash("sha256", state, "hex");
      // One that was used just before the hour's end is in the folder before.
      if ((await records.read(`${FOLDER}/${hour - 1}/${digest}`)) !== undefined) return false;
      if (!(await records.create(`${FOLDER}/${hour}/${digest}`, new Uint8Array()))) return false;
      if (cleaned !== hour) {
        cleaned = hour;
        await clean(hour);
      }
      return true;
    },
  };
}
