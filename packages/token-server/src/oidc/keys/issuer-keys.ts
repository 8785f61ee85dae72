import { readFile } from "node:fs/promises";
import type { AuthLog, Clock } from "@longshore/auth";
import {
  createJwksFetcher,
  openJwksFileSource,
  openJwksUrlSource,
  type JwksFetcher,
  type KeySnapshot,
  type KeySource,
} from "@longshore/auth/tokens";
import { abortable } from "@longshore/base/abort";
import { createDiscoveringFetcher, discoveryUrl } from "./discovery.js";
import { isUrl } from "./key-address.js";

/** Where an issuer's keys are. */
export interface IssuerKeysOptions {
  readonly issuer: string;
  /** A JWK set: a file or a URL; undefined: where the issuer's discovery document says. */
  readonly jwks?: string | undefined;
  /** A PEM file. */
  readonly ca?: string | undefined;
  /** A file with a token for the issuer's API, read with each request since it changes (Kubernetes). */
  readonly bearertokenfile?: string | undefined;
}

/** The keys of one issuer. No other issuer waits for it. */
export interface IssuerKeys {
  /** The newest keys; undefined while there have never been any. Asks the issuer if it is time to. Throws the signal's reason. */
  current(signal: AbortSignal): Promise<KeySnapshot | undefined>;
  /** The keys after a question for those that are new since; at most one question in half a minute is asked. */
  refreshed(signal: AbortSignal): Promise<KeySnapshot | undefined>;
  /** Reads a file again, or asks again. Throws if that fails, and keeps the previous keys. */
  reload(): Promise<void>;
  close(): Promise<void>;
}

/** What {@link createIssuerKeys} works with. */
export interface IssuerKeysPorts {
  readonly log: AuthLog;
  readonly clock: Clock;
  /** Called after keys were replaced. */
  readonly onChange: () => void;
}

/** Keys that are asked for when the first token of the issuer comes: an issuer that is down keeps nothing from starting. */
export function createIssuerKeys(options: IssuerKeysOptions, ports: IssuerKeysPorts): IssuerKeys {
  const { issuer, jwks } = options;
  let opening: Promise<KeySource> | undefined;
  let fetcher: JwksFetcher | undefined;
  let closed = false;

  async function openKeys(): Promise<KeySource> {
    if (jwks !== undefined && !isUrl(jwks)) return openJwksFileSource(jwks, ports);
    fetcher = await openFetcher(options);
    if (jwks !== undefined) return openJwksUrlSource(new URL(jwks), { ...ports, fetcher });
    return openJwksUrlSource(discoveryUrl(issuer), { ...ports, fetcher: createDiscoveringFetcher(issuer, fetcher) });
  }

  function source(): Promise<KeySource> {
    if (closed) return Promise.reject(new Error("the issuer's keys are closed"));
    opening ??= openKeys().catch((error: unknown) => {
      // A file that isn't there yet is looked for again.
      opening = undefined;
      throw error;
    });
    return opening;
  }

  return {
    async current(signal) {
      const keys = await abortable(source(), signal);
      const checking = keys.check();
      // With keys at hand nobody waits for newer ones.
      if (checking !== undefined && keys.keys === undefined) await abortable(checking, signal);
      return keys.keys;
    },
    async refreshed(signal) {
      const keys = await abortable(source(), signal);
      const asking = keys.refresh();
      if (asking !== undefined) await abortable(asking, signal);
      return keys.keys;
    },
    async reload() {
      if (opening !== undefined) await (await opening).reload();
    },
    async close() {
      closed = true;
      // Ends a question that is on its way, which the next line would wait for.
      await fetcher?.close();
      const open = await opening?.catch(() => undefined);
      await open?.close();
    },
  };
}

async function openFetcher({ ca, bearertokenfile: file }: IssuerKeysOptions): Promise<JwksFetcher> {
  return createJwksFetcher({
    ca: ca === undefined ? undefined : await readFile(ca, "utf8"),
    authorization: file === undefined ? undefined : async () => `Bearer ${(await readFile(file, "utf8")).trim()}`,
  });
}
