import type { AccessController } from "../../contract.js";
import { AuthError } from "../../errors.js";
import type { Authenticator, PasswordAuthenticator } from "../../identities/contract.js";
import { createIdentityController } from "../../identities/controller.js";
import { ownTokens } from "../../identities/own-tokens.js";
import type { WatchedFile } from "../../keys/watched-file.js";
import { parseOptions } from "../../options.js";
import type { ControllerPorts } from "../../ports.js";
import { compileRules } from "../../rules/compile.js";
import { createFairQueue } from "../../throttle/fair-queue.js";
import { createLoginThrottle, NO_THROTTLE, type LoginThrottle } from "../../throttle/throttle.js";
import { createMtlsAuthenticator } from "../mtls/authenticator.js";
import { mtlsOptions } from "../mtls/options.js";
import { createHtpasswdAuthenticator } from "./authenticator.js";
import { createBcryptPool, type PasswordComparer } from "./bcrypt-pool.js";
import { defaultWorkers, htpasswdOptions, type HtpasswdOptions } from "./options.js";
import { openPasswordFile } from "./password-file.js";
import type { PasswordList } from "./password-list.js";
import { provisionPasswordFile } from "./provision.js";
import { createVerifiedPasswords } from "./verified-passwords.js";

/** Logins that wait for their comparison: of all clients, and of one address. */
const WAITING = 64;
const WAITING_PER_SOURCE = 8;

async function openFile(path: string, ports: ControllerPorts): Promise<WatchedFile<PasswordList>> {
  try {
    await provisionPasswordFile(path, ports.log);
    return await openPasswordFile({ path, log: ports.log, clock: ports.clock });
  } catch (error) {
    const reason = `${path} can't be used: ${error instanceof Error ? error.message : "unknown fault"}`;
    throw new AuthError({ code: "INVALID_OPTIONS", path: "htpasswd.path", reason }, { cause: error });
  }
}

function throttleOf({ throttle }: HtpasswdOptions, { clock }: ControllerPorts): LoginThrottle {
  const { disabled, attempts, delay, maxdelay } = throttle;
  return disabled ? NO_THROTTLE : createLoginThrottle({ clock, attempts, delay, maxDelay: maxdelay });
}

/** Puts the parts together over a file that was opened. `comparer` is for tests; threads of its own where undefined. */
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
    throttle: throttleOf(options, ports),
    queue: createFairQueue({ concurrency: threads, waiting: WAITING, waitingPerSource: WAITING_PER_SOURCE }),
  });
}

/**
 * Passwords of an htpasswd file, with client certificates beside them where `auth.mtls` is set, under the rules if there are
 * any (contract §4.3). Throws AuthError INVALID_OPTIONS for options, rules or a file that can't be used.
 */
export async function openHtpasswdController(input: unknown, ports: ControllerPorts): Promise<AccessController> {
  const options = parseOptions(htpasswdOptions, "htpasswd", input);
  const rules = ports.rules === undefined ? undefined : compileRules(ports.rules);
  const certificates: Authenticator[] =
    ports.mtls === undefined ? [] : [createMtlsAuthenticator(parseOptions(mtlsOptions, "mtls", ports.mtls))];
  const file = await openFile(options.path, ports);
  const passwords = htpasswdAuthenticator(options, file, ports);
  const { realm, service = realm } = options;
  // What a person typed says more than what their machine shows.
  const authenticators = [passwords, ...certificates];
  return createIdentityController({
    name: "htpasswd",
    authenticators,
    rules,
    realm,
    service,
    tokens: ownTokens({ rules, authenticators, passwords, realm, service }, ports),
    reload: () => file.reload(),
  });
}
