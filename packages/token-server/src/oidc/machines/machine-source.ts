import { AuthError, TokenRefused, type PasswordCredentials } from "@longshore/auth";
import type { IdentitySource, Login, LoginContext, SourcePorts } from "../../contract.js";
import { claimedIssuer, createIdTokenVerifier, type IdTokenVerifier } from "../id-token.js";
import { createIssuerKeys, type IssuerKeys } from "../keys/issuer-keys.js";
import type { CompiledIssuer } from "./compile-issuer.js";
import type { IssuerOptions } from "./machine-options.js";
import { tokenExchange } from "./token-exchange.js";

/** How long a login waits for its issuer's keys (ms); the question itself may take longer and serves later logins. */
const PATIENCE = 5000;

/** An issuer that the configuration lists. */
export interface ConfiguredIssuer {
  readonly options: IssuerOptions;
  readonly compiled: CompiledIssuer;
}

interface OpenIssuer {
  readonly compiled: CompiledIssuer;
  readonly verifier: IdTokenVerifier;
  readonly keys: IssuerKeys;
}

/** ID tokens of pipelines and workloads as passwords; whatever user name comes with one, the token says whose it is. */
export function openMachineSource(issuers: readonly ConfiguredIssuer[], ports: SourcePorts): IdentitySource {
  const open = new Map(issuers.map(({ options, compiled }) => [options.issuer, openIssuer(options, compiled, ports)]));

  async function verify({ password }: PasswordCredentials, { signal }: LoginContext): Promise<Login> {
    // Looked up before anything is fetched: a token can't make the registry ask an address of its own choice.
    const name = claimedIssuer(password);
    const issuer = name === undefined ? undefined : open.get(name);
    if (name === undefined || issuer === undefined) return { outcome: "unknown" };
    const timeout = AbortSignal.timeout(PATIENCE);
    try {
      const claims = await issuer.verifier.verify(password, AbortSignal.any([signal, timeout]));
      const mapped = issuer.compiled.map(claims);
      if ("identity" in mapped) return { outcome: "identified", identity: mapped.identity, renewable: false };
      return { outcome: "failed", reason: `an ID token of ${name}: ${mapped.reason}${subjectOf(claims["sub"])}` };
    } catch (error) {
      if (error instanceof TokenRefused) return { outcome: "failed", reason: `${name}: ${error.message}` };
      if (signal.aborted || !timeout.aborted) throw error;
      throw new AuthError({ code: "UNAVAILABLE", reason: `${name} didn't answer in time` }, { cause: error });
    }
  }

  return {
    name: "oidc",
    ways: [],
    verify,
    grants: [tokenExchange(verify)],
    async reload() {
      await Promise.all(Array.from(open.values(), ({ keys }) => keys.reload()));
    },
    async close() {
      await Promise.all(Array.from(open.values(), ({ keys }) => keys.close()));
    },
  };
}

function openIssuer(options: IssuerOptions, compiled: CompiledIssuer, { log, clock }: SourcePorts): OpenIssuer {
  const keys = createIssuerKeys(options, { log, clock, onChange: () => verifier.forget() });
  const verifier = createIdTokenVerifier(compiled.expected, keys, clock);
  return { compiled, verifier, keys };
}

const LONGEST_SHOWN = 200;

/** Whose token it was, for the log: the operator may want to write a rule for it. */
function subjectOf(sub: unknown): string {
  return typeof sub === "string" ? `; its sub is ${JSON.stringify(sub.slice(0, LONGEST_SHOWN))}` : "";
}
