import type { Access, AccessController, AuthRequest } from "../../contract.js";
import { AuthError } from "../../errors.js";
import type { ControllerPorts } from "../../ports.js";
import { redirectedRealm, tokenChallenge } from "./challenge.js";
import { createTokenGate } from "./gate.js";
import { bearerToken } from "./header.js";
import { createJwksFetcher, type JwksFetcher } from "./jwks-fetch.js";
import { openJwksUrlSource } from "./jwks-url.js";
import { openBundleSource, openJwksFileSource, type KeySource, type KeySourcePorts } from "./key-source.js";
import type { TokenOptions } from "./options.js";
import { createTokenVerifier } from "./verifier.js";
import { allOf, waitFor } from "./wait.js";

/** What {@link openTokenController} is told beside its options. */
export interface TokenPorts extends Pick<ControllerPorts, "log" | "clock" | "rules" | "mtls"> {
  /** How a JWK set is fetched; over HTTP where nothing else is given. */
  readonly createFetcher?: (() => JwksFetcher) | undefined;
}

/**
 * Takes tokens of an authorization server (contract §4.4). Throws AuthError INVALID_OPTIONS where the keys can't be read;
 * a JWK set at a URL may come later, and until then it is UNAVAILABLE.
 */
export async function openTokenController(options: TokenOptions, ports: TokenPorts): Promise<AccessController> {
  assertAlone(ports);
  let changed = (): void => undefined;
  const sources = await openSources(options, ports, () => {
    changed();
  });
  const verifier = createTokenVerifier({
    issuer: options.issuer,
    service: options.service,
    algorithms: options.signingalgorithms,
    keys: {
      get roots() {
        return sources.flatMap(({ keys }) => keys?.roots ?? []);
      },
      find(id) {
        for (const { keys } of sources) {
          const key = keys?.byId.get(id);
          if (key !== undefined) return key;
        }
        return undefined;
      },
    },
    refresh(signal) {
      const refreshing = allOf(sources.map((source) => source.refresh()));
      return refreshing === undefined ? undefined : waitFor(refreshing, signal);
    },
    clock: ports.clock,
  });
  changed = () => {
    verifier.forget();
  };

  const gate = createTokenGate({
    verifier,
    challenge: (request: AuthRequest, accesses: readonly Access[], error?: string) => {
      const { autoredirect, autoredirectpath, service } = options;
      const realm = autoredirect ? redirectedRealm(request, autoredirectpath) : options.realm;
      return tokenChallenge({ realm, service }, accesses, error);
    },
    check: () => allOf(sources.map((source) => source.check())),
    assertReady() {
      if (sources.some(({ keys }) => keys !== undefined)) return;
      throw new AuthError({ code: "UNAVAILABLE", reason: "the issuer's keys could not be fetched yet" });
    },
  });

  return {
    name: "token",
    authorize(request, accesses, callOptions) {
      const token = bearerToken(request.headers["authorization"]);
      if (token === undefined) return gate.refuseMissing(request, accesses);
      const admitted = gate.admit(request, accesses, token, callOptions);
      return admitted instanceof Promise ? admitted.then(({ grant }) => grant) : admitted.grant;
    },
    async reload() {
      await Promise.all(sources.map((source) => source.reload()));
    },
    async close() {
      await Promise.all(sources.map((source) => source.close()));
    },
  };
}

/** The sources that are configured, those of a JWK set first: there a key's id is what its issuer says. */
async function openSources(options: TokenOptions, ports: TokenPorts, onChange: () => void): Promise<KeySource[]> {
  const { jwks, rootcertbundle } = options;
  const common: KeySourcePorts = { log: ports.log, clock: ports.clock, onChange };
  const sources: KeySource[] = [];
  if (rootcertbundle !== undefined) {
    sources.push(await usable("rootcertbundle", rootcertbundle, () => openBundleSource(rootcertbundle, common)));
  }
  if (jwks === undefined) return sources;
  const createFetcher = ports.createFetcher ?? createJwksFetcher;
  const source = /^https?:/i.test(jwks)
    ? await openJwksUrlSource(new URL(jwks), { ...common, fetcher: createFetcher() })
    : await usable("jwks", jwks, () => openJwksFileSource(jwks, common));
  return [source, ...sources];
}

/** Whoever configures rules relies on them, and here the issuer decides alone. */
function assertAlone({ rules, mtls }: TokenPorts): void {
  if (rules !== undefined) {
    const reason = "access rules don't apply to tokens: their issuer decides; remove the rules, or use auth.htpasswd";
    throw new AuthError({ code: "INVALID_OPTIONS", path: "token", reason });
  }
  if (mtls === undefined) return;
  const reason = "auth.mtls can't be combined with tokens: certificates would not be looked at";
  throw new AuthError({ code: "INVALID_OPTIONS", path: "mtls", reason });
}

/** The system's own message would name the path once more. */
function describeUnusable(path: string, error: unknown): string {
  if (!(error instanceof Error)) return `${path} can't be read`;
  return "syscall" in error && "code" in error
    ? `${path} can't be read (${String(error.code)})`
    : `${path}: ${error.message}`;
}

async function usable(key: string, path: string, open: () => Promise<KeySource>): Promise<KeySource> {
  try {
    return await open();
  } catch (error) {
    const reason = describeUnusable(path, error);
    throw new AuthError({ code: "INVALID_OPTIONS", path: `token.${key}`, reason }, { cause: error });
  }
}
