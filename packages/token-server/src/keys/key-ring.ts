import { AuthError, type AuthLog, type Clock, type Records } from "@longshore/auth";
import { openWatchedFile } from "@longshore/base/watched-file";
import { readFile } from "node:fs/promises";
import { readOrCreateKeys, type GeneratedAlgorithm, type StoredKey } from "./key-record.js";
import { parseSigningKey, type SigningKey } from "./signing-key.js";

/** The keys of a token server, as they are now. */
export interface KeyRing {
  /** The one that signs. */
  readonly signing: SigningKey;
  /** Those whose tokens are valid, and those that will sign soon. */
  readonly verifying: readonly SigningKey[];
  /** Looks whether the keys have changed, if it is time to; undefined: nothing to wait for. Never rejects. */
  check(): Promise<void> | undefined;
  /** Looks for a key that isn't known yet, unless that happened within the last second. Never rejects. */
  refresh(): Promise<void> | undefined;
  /** Throws AuthError and keeps the keys in use if the new ones can't be read. */
  reload(): Promise<void>;
}

/** What {@link openKeyRing} needs. Times in milliseconds. */
export interface KeyRingOptions {
  readonly records: Records;
  readonly clock: Clock;
  readonly log: AuthLog;
  readonly issuer: string;
  /** Of the tokens: how long a replaced key still verifies. */
  readonly lifetime: number;
  /** For keys that are generated. */
  readonly algorithm: GeneratedAlgorithm;
  /** PEM files instead of generated keys. */
  readonly files: { readonly certificate: string | undefined; readonly key: string } | undefined;
  /** Called when a key has gone or come. */
  readonly onChange: () => void;
}

/** How long keys of the storage are used before they are looked at again (ms); a new key signs a minute after it was made. */
const FRESH = 10_000;
/** Between two looks for a key that isn't known (ms): a flood of foreign tokens must not become a flood of reads. */
const PATIENCE = 1000;

/** Opens the configured keys, or those of the storage, which are generated if there are none. Throws AuthError. */
export function openKeyRing(options: KeyRingOptions): Promise<KeyRing> {
  return options.files === undefined ? openStoredRing(options) : openFileRing(options, options.files);
}

async function openStoredRing({ records, clock, log, issuer, algorithm, onChange }: KeyRingOptions): Promise<KeyRing> {
  const read = (): Promise<readonly StoredKey[]> => readOrCreateKeys(records, { algorithm, issuer, now: clock() });
  let keys = await read();
  let lookedAt = clock();
  let looking: Promise<void> | undefined;

  async function take(): Promise<void> {
    lookedAt = clock();
    const next = await read();
    const changed = next.map(({ id }) => id).join() !== keys.map(({ id }) => id).join();
    keys = next;
    if (!changed) return;
    log.info("the signing keys have changed", { keys: keys.length });
    onChange();
  }

  function look(age: number): Promise<void> | undefined {
    const since = clock() - lookedAt;
    // A clock that was set back must not stop the checks.
    if (since >= 0 && since < age) return looking;
    looking ??= take()
      .catch((error: unknown) => {
        log.error("the signing keys can't be read; the current ones stay in use", { error: messageOf(error) });
      })
      .finally(() => (looking = undefined));
    return looking;
  }

  const isValid = ({ verifiesUntil }: StoredKey): boolean => verifiesUntil === undefined || clock() < verifiesUntil;
  return {
    get signing() {
      const now = clock();
      return keys.findLast(({ signsFrom }) => signsFrom <= now) ?? first(keys);
    },
    get verifying() {
      return keys.filter(isValid);
    },
    check() {
      // What is known serves meanwhile.
      void look(FRESH);
      return undefined;
    },
    refresh: () => look(PATIENCE),
    reload: take,
  };
}

function first(keys: readonly StoredKey[]): StoredKey {
  const [key] = keys;
  if (key === undefined) throw new AuthError({ code: "UNAVAILABLE", reason: "there are no signing keys" });
  return key;
}

const MAX_KEY_BYTES = 1024 * 1024;

async function openFileRing(
  { clock, log, lifetime, onChange }: KeyRingOptions,
  { certificate, key }: NonNullable<KeyRingOptions["files"]>,
): Promise<KeyRing> {
  const chain = async (): Promise<string> => (certificate === undefined ? "" : readFile(certificate, "utf8"));
  /** Replaced keys, which verify until their tokens are gone. */
  let retired: { readonly key: SigningKey; readonly until: number }[] = [];
  let current: SigningKey | undefined;

  const take = async (bytes: Buffer): Promise<SigningKey> => parseSigningKey(bytes.toString("utf8"), await chain());
  const replace = (next: SigningKey): void => {
    if (current !== undefined && current.id !== next.id) {
      retired = [...retired, { key: current, until: clock() + lifetime + 120_000 }];
      log.info("the signing key has changed; tokens signed with the previous one stay valid until they expire", {
        path: key,
      });
    }
    current = next;
    onChange();
  };
  const file = await openWatchedFile({
    path: key,
    parse: take,
    clock,
    maxBytes: MAX_KEY_BYTES,
    onChange: replace,
    onUnusable: (error) => {
      log.error("the signing key can't be used; the previous one stays in use", { path: key, error: messageOf(error) });
    },
  }).catch((cause: unknown) => {
    const reason = `${key} can't be used: ${messageOf(cause)}`;
    throw new AuthError({ code: "INVALID_OPTIONS", path: "keys.key", reason }, { cause });
  });
  current = file.value;
  return {
    get signing() {
      return current ?? file.value;
    },
    get verifying() {
      const now = clock();
      return [current ?? file.value, ...retired.filter(({ until }) => now < until).map((each) => each.key)];
    },
    check: () => file.check(),
    refresh: () => undefined,
    reload: () => file.reload(),
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "unknown fault";
}
