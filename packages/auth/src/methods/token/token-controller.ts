import { abortable } from "@longshore/base/abort";
import type { Access, AccessController, AuthRequest } from "../../access-controller.js";
import { AuthError } from "../../errors.js";
import type { ControllerPorts } from "../../ports.js";
import { redirectedRealm, tokenChallenge } from "./token-challenge.js";
import { createTokenGate } from "./token-gate.js";
import { bearerToken } from "./token-header.js";
import { createJwksFetcher, type JwksFetcher } from "./jwks-fetch.js";
import { openJwksUrlSource } from "./jwks-url.js";
import { openBundleSource, openJwksFileSource, type KeySource, type KeySourcePorts } from "./key-source.js";
import { isUrl, type TokenOptions } from "./token-options.js";
import { createTokenVerifier } from "./token-verifier.js";

/** What {@link openTokenController} needs besides its options. */
export interface TokenPorts extends Pick<ControllerPorts, "log" | "fileLog" | "clock"> {
  /** How a JWK set is fetched; by default over HTTP. */
  readonly createFetcher?: (() => JwksFetcher) | undefined;
}

/**
 * Accepts tokens of an authorization server (wire contract §4.4). Throws AuthError INVALID_OPTIONS if the keys can't be read.
 * A JWK set at a URL may become available later; until then requests fail with UNAVAILABLE.
 */
export async function openTokenController(options: TokenOptions, ports: TokenPorts): Promise<AccessController> {
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
      ids: () => sources.flatMap(({ keys }) => [...(keys?.byId.keys() ?? [])]),
    },
    refresh(signal) {
      const refreshing = allOf(sources.map((source) => source.refresh()));
      return refreshing === undefined ? undefined : abortable(refreshing, signal);
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
    ways: [
      {
        kind: "realm",
        realm: options.autoredirect ? options.autoredirectpath : options.realm,
        service: options.service,
      },
    ],
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

/** The configured sources. The JWK set comes first, because its issuer chooses the key ids. */
async function openSources(options: TokenOptions, ports: TokenPorts, onChange: () => void): Promise<KeySource[]> {
  const { jwks, rootcertbundle } = options;
  const { log, fileLog = log, clock } = ports;
  const files: KeySourcePorts = { log: fileLog, clock, onChange };
  const sources: KeySource[] = [];
  if (rootcertbundle !== undefined) {
    sources.push(await usable("rootcertbundle", rootcertbundle, () => openBundleSource(rootcertbundle, files)));
  }
  if (jwks === undefined) return sources;
  const createFetcher = ports.createFetcher ?? createJwksFetcher;
  const source = isUrl(jwks)
    ? await openJwksUrlSource(new URL(jwks), { log, clock, onChange, fetcher: createFetcher() })
    : await usable("jwks", jwks, () => openJwksFileSource(jwks, files));
  return [source, ...sources];
}

/** Uses the code of a system error, whose message would repeat the path. */
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

/** All of the promises as one; undefined if there are none. */
function allOf(promises: readonly (Promise<void> | undefined)[]): Promise<void> | undefined {
  const pending = promises.filter((promise) => promise !== undefined);
  return pending.length === 0 ? undefined : Promise.all(pending).then(() => undefined);
}
