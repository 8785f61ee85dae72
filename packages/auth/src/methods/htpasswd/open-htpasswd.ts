import type { WatchedFile } from "@longshore/base/watched-file";
import { AuthError } from "../../errors.js";
import type { PasswordAuthenticator } from "../../identities/identity.js";
import type { ControllerPorts } from "../../ports.js";
import { createFairQueue } from "../../throttle/fair-queue.js";
import { openLoginLedger } from "../../throttle/throttle-options.js";
import { createBcryptPool, type PasswordComparer } from "./bcrypt-pool.js";
import { createHtpasswdAuthenticator } from "./htpasswd-authenticator.js";
import { defaultWorkers, type HtpasswdOptions } from "./htpasswd-options.js";
import { openPasswordFile } from "./password-file.js";
import type { PasswordList } from "./password-list.js";
import { provisionPasswordFile } from "./provision.js";
import { createVerifiedPasswords } from "./verified-passwords.js";

/** How many logins may wait for their comparison: from all clients of one level of trust, and from one address. */
const WAITING = 256;
const WAITING_PER_SOURCE = 8;

/**
 * Opens the password file, and creates it first if it is missing (wire contract §4.3). Throws AuthError INVALID_OPTIONS if
 * it can't be used.
 */
export async function openHtpasswd(options: HtpasswdOptions, ports: ControllerPorts): Promise<PasswordAuthenticator> {
  return htpasswdAuthenticator(options, await openFile(options.path, ports), ports);
}

async function openFile(path: string, ports: ControllerPorts): Promise<WatchedFile<PasswordList>> {
  try {
    await provisionPasswordFile(path, ports.log);
    return await openPasswordFile({ path, log: ports.fileLog ?? ports.log, clock: ports.clock });
  } catch (error) {
    const reason = `${path} can't be used: ${error instanceof Error ? error.message : "unknown fault"}`;
    throw new AuthError({ code: "INVALID_OPTIONS", path: "htpasswd.path", reason }, { cause: error });
  }
}

/** Assembles the authenticator over an open file. `comparer` is for tests; by default passwords are compared in threads. */
export function htpasswdAuthenticator(
  options: HtpasswdOptions,
  file: WatchedFile<PasswordList>,
  ports: ControllerPorts,
  comparer?: PasswordComparer,
): PasswordAuthenticator {
  const threads = options.workers ?? defaultWorkers();
  return createHtpasswdAuthenticator({
    file,
    comparer: comparer ?? createBcryptPool({ threads }),
    verified: createVerifiedPasswords({ clock: ports.clock, ttl: options.cachettl }),
    ledger: openLoginLedger(options.throttle, ports),
    queue: createFairQueue({ concurrency: threads, waiting: WAITING, waitingPerSource: WAITING_PER_SOURCE }),
  });
}
