import { openWatchedFile, type WatchedFile } from "../../keys/watched-file.js";
import type { AuthLog, Clock } from "../../ports.js";
import { parsePasswordList, type PasswordList } from "./password-list.js";

const MAX_BYTES = 64 * 1024 * 1024;

/** How long a file that was emptied or cut off counts as one that is being written, in milliseconds. */
const WRITING = 5_000;

/** Where the list is and who is told of it. */
export interface PasswordFileOptions {
  readonly path: string;
  readonly log: AuthLog;
  readonly clock: Clock;
}

/**
 * The list in the file at `path`, following it. Lines that let nobody in are logged by number. A file that has just lost all
 * its lines or ends in half a line keeps the former list in force until it stays so: tools write it in place. Throws where it
 * can't be read.
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
        throw new Error(list.torn ? "its last line is cut off" : "no line of it lets anybody in");
    }
    suspectSince = undefined;
    accepted = list;
    for (const { line, reason } of list.problems) log.warn(`htpasswd: line ${line}: ${reason}`, { path, line });
    if (list.hashes.size === 0) log.warn("htpasswd has no user with a bcrypt hash: nobody can log in", { path });
    return list;
  }

  return openWatchedFile({ path, label: "htpasswd", parse, log, clock, maxBytes: MAX_BYTES });
}
