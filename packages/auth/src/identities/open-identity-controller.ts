import type { AccessController } from "../access-controller.js";
import { AuthError } from "../errors.js";
import type { ChosenCertificateSource, ChosenPasswordSource } from "../methods/kind.js";
import type { CreateOwnTokens } from "../own-tokens.js";
import type { ControllerPorts } from "../ports.js";
import { compileRules } from "../rules/compile-rules.js";
import { createIdentityController } from "./identity-controller.js";

/** The realm and service of a registry without a password source. */
const REALM = "Registry Realm";

/** Where identities come from: at least one of the sources. */
interface IdentitySources {
  /** The controller's name. */
  readonly name: string;
  readonly passwords: ChosenPasswordSource | undefined;
  readonly certificates: ChosenCertificateSource | undefined;
}

/**
 * Combines sources of identities with the rules, and with the registry's own tokens if the rules admit anonymous clients.
 * Throws AuthError INVALID_OPTIONS; rules are compiled first, so that bad ones leave no trace.
 */
export async function openIdentityController(
  { name, passwords: source, certificates }: IdentitySources,
  ports: ControllerPorts,
): Promise<AccessController> {
  const rules = ports.rules === undefined ? undefined : compileRules(ports.rules);
  const createTokens = rules?.admitsAnonymous === true ? tokensOf(ports) : undefined;
  const passwords = await source?.open(ports);
  const machines = await certificates?.open(ports);
  // A password says more about who is asking than the certificate of their machine.
  const authenticators = [passwords, machines].filter((each) => each !== undefined);
  const { realm = REALM, service = realm } = source ?? {};
  const common = { authenticators, realm, service };
  const { secret, clock } = ports;
  return createIdentityController({
    ...common,
    name,
    rules,
    passwords,
    tokens: rules && (await createTokens?.({ ...common, passwords, rules: () => rules, secret, clock })),
    async reload() {
      for (const each of authenticators) await each.reload?.();
    },
  });
}

/** Rules for anonymous clients are only good with tokens: no client asks for anything without a login when it is asked for one. */
function tokensOf({ ownTokens }: ControllerPorts): CreateOwnTokens {
  if (ownTokens !== undefined) return ownTokens;
  const reason = "rules for anonymous clients need tokens, which can't be issued here";
  throw new AuthError({ code: "INVALID_OPTIONS", path: "access", reason });
}
