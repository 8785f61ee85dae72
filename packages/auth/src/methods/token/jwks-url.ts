import { createHash } from "node:crypto";
import type { JwksFetcher } from "./jwks-fetch.js";
import { parseJwks, type KeySnapshot, type KeySource, type KeySourcePorts } from "./key-source.js";

/** The age at which keys are fetched again (ms). */
const MAX_AGE = 5 * 60_000;

/** The shortest time between two fetches (ms), however many unknown key ids clients send. */
const MIN_INTERVAL = 30_000;

/** For a complete answer (ms). */
const TIMEOUT = 10_000;

/** What {@link openJwksUrlSource} needs. */
export interface JwksUrlPorts extends KeySourcePorts {
  readonly fetcher: JwksFetcher;
}

/**
 * The keys of a JWK set at `url`: fetched now, every five minutes while in use, and when a token names an unknown key. While
 * the issuer can't be reached the previous keys stay in use. It also opens without any keys, since issuer and registry may
 * start together.
 */
export async function openJwksUrlSource(url: URL, ports: JwksUrlPorts): Promise<KeySource> {
  const { fetcher, log, clock, onChange } = ports;
  const origin = `${url.origin}${url.pathname}`;
  const closing = new AbortController();
  let keys: KeySnapshot | undefined;
  let digest = "";
  let asked = Number.NEGATIVE_INFINITY;
  let fetched = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | undefined;

  async function fetchKeys(): Promise<void> {
    asked = clock();
    const text = await fetcher.fetch(url, AbortSignal.any([closing.signal, AbortSignal.timeout(TIMEOUT)]));
    const found = createHash("sha256").update(text).digest("base64");
    if (found !== digest) {
      keys = parseJwks(text, origin, log);
      digest = found;
      onChange();
    }
    fetched = clock();
  }

  /** One fetch at a time; concurrent callers share it. */
  function ask(): Promise<void> {
    running ??= fetchKeys().finally(() => {
      running = undefined;
    });
    return running;
  }

  async function tryAsk(): Promise<void> {
    try {
      await ask();
    } catch (error) {
      if (closing.signal.aborted) return;
      const reason = error instanceof Error ? error.message : "unknown fault";
      const consequence = keys === undefined ? "no token can be verified yet" : "the previous keys stay in use";
      log.error(`the JWK set can't be fetched; ${consequence}`, { jwks: origin, error: reason });
    }
  }

  /** Whether `interval` has passed since `moment`; a clock that was set back must not stop the fetching. */
  function isPast(moment: number, interval: number): boolean {
    const since = clock() - moment;
    return since < 0 || since >= interval;
  }

  function refresh(): Promise<void> | undefined {
    if (running !== undefined) return running.catch(() => undefined);
    return isPast(asked, MIN_INTERVAL) ? tryAsk() : undefined;
  }

  await tryAsk();
  return {
    get keys() {
      return keys;
    },
    check() {
      if (keys === undefined) return refresh();
      const due = isPast(fetched, MAX_AGE) && isPast(asked, MIN_INTERVAL);
      return due && running === undefined ? tryAsk() : undefined;
    },
    refresh,
    reload: ask,
    async close() {
      closing.abort();
      await fetcher.close();
    },
  };
}
