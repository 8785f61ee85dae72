import type { AccessController } from "../../contract.js";
import { createIdentityController } from "../../identities/controller.js";
import { ownTokens } from "../../identities/own-tokens.js";
import { parseOptions } from "../../options.js";
import type { ControllerPorts } from "../../ports.js";
import { compileRules } from "../../rules/compile.js";
import { createMtlsAuthenticator } from "./authenticator.js";
import { mtlsOptions } from "./options.js";

/** What clients and rules know the registry as where nothing else names it. */
const REALM = "Registry Realm";

/** Identities of client certificates, and nobody else's. Throws AuthError INVALID_OPTIONS. */
export function createMtlsController(input: unknown, ports: ControllerPorts): AccessController {
  const options = parseOptions(mtlsOptions, "mtls", input ?? {});
  const rules = ports.rules === undefined ? undefined : compileRules(ports.rules);
  const authenticators = [createMtlsAuthenticator(options)];
  const names = { realm: REALM, service: REALM };
  const tokens = ownTokens({ rules, authenticators, ...names }, ports);
  return createIdentityController({ name: "mtls", authenticators, rules, ...names, tokens });
}
