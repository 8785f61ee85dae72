import type { AccessController } from "../../contract.js";
import { createIdentityController } from "../../identities/controller.js";
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
  return createIdentityController({
    name: "mtls",
    authenticators: [createMtlsAuthenticator(options)],
    rules: ports.rules === undefined ? undefined : compileRules(ports.rules),
    realm: REALM,
    service: REALM,
  });
}
