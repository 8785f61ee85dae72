import type { WatchedFile } from "@longshore/base/watched-file";
import { watchConfigFile } from "../../keys/watch-config-file.js";
import type { AuthLog, Clock } from "../../ports.js";
import { parsePasswordList, type PasswordList } from "./password-list.js";

const MAX_BYTES = 64 * 1024 * 1024;

/** How long a file that was emptied or cut off is taken for one that is being written (ms). */
const WRITING = 5_000;

/** Options of {@link openPasswordFile}. */
export interface PasswordFileOptions {
  readonly path: string;
  readonly log: AuthLog;
  readonly clock: Clock;
}

/**
 * The password list in the file at `path`, reloaded when it changes. Unusable lines are logged by number. Since tools write
 * the file in place, one that has just been emptied or ends in half a line is not used yet: the previous list stays in force
 * until the file has remained like that for a while. Throws if it can't be read.
 */
export async function openPasswordFile({ path, log, clock }: PasswordFileOptions): Promise<WatchedFile<PasswordList>> {
  let accepted: PasswordList | undefined;
  let suspectSince: number | undefined;

  function parse(bytes: Buffer): PasswordList {
    const list = parsePasswordList(bytes);
    const suspect = accepted !== undefined && (list.torn || (list.hashes.size === 0 && accepted.hashes.size > 0));
    if (suspect) {
      suspectSince ??= clock();
      if (Math.abs(clock() - suspectSince) < WRITING)
        throw new Error(list.torn ? "its last line is cut off" : "it has no usable line");
    }
    suspectSince = undefined;
    accepted = list;
    for (const { line, reason } of list.problems) log.warn(`htpasswd: line ${line}: ${reason}`, { path, line });
    if (list.hashes.size === 0) log.warn("htpasswd has no user with a bcrypt hash: no one can log in", { path });
    return list;
  }

  return watchConfigFile({ path, label: "htpasswd", parse, log, clock, maxBytes: MAX_BYTES });
}
