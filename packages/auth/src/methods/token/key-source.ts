import type { X509Certificate } from "node:crypto";
import { algorithmsOf } from "../../keys/algorithms.js";
import { parseJwkSet, type IdentifiedKey, type VerificationKey } from "../../keys/jwk-set.js";
import { generatorThumbprint, keyIds } from "../../keys/key-id.js";
import { describeNoCertificates, parsePemBundle, type ItemProblem } from "../../keys/pem-bundle.js";
import { watchConfigFile } from "../../keys/watch-config-file.js";
import type { AuthLog, Clock } from "../../ports.js";

/** The keys of a source at one moment. */
export interface KeySnapshot {
  readonly byId: ReadonlyMap<string, VerificationKey>;
  readonly roots: readonly X509Certificate[];
}

/** Where trusted keys come from, kept up to date. */
export interface KeySource {
  /** The newest keys; undefined until there are any. */
  readonly keys: KeySnapshot | undefined;
  /** Looks for changes if a check is due. The promise, if any, never rejects. */
  check(): Promise<void> | undefined;
  /** Asks for keys that were published since; undefined if it is too early to ask again. The promise never rejects. */
  refresh(): Promise<void> | undefined;
  /** Reads everything again. Throws if that fails, and keeps the previous keys. */
  reload(): Promise<void>;
  close(): Promise<void>;
}

/** What file sources need. */
export interface KeySourcePorts {
  readonly log: AuthLog;
  readonly clock: Clock;
  /** Called after keys were replaced. */
  readonly onChange: () => void;
}

/** A larger bundle or key set must be a mistake. */
export const MAX_KEY_BYTES = 4 * 1024 * 1024;

/** The keys of `rootcertbundle`, a file at `path`. Throws if it can't be used. */
export function openBundleSource(path: string, ports: KeySourcePorts): Promise<KeySource> {
  return openFileSource("rootcertbundle", path, (bytes) => parseBundle(bytes, path), ports);
}

/** The keys of a JWK set in a file at `path`. Throws if it can't be used. */
export function openJwksFileSource(path: string, ports: KeySourcePorts): Promise<KeySource> {
  return openFileSource("jwks", path, (bytes) => parseJwks(bytes.toString("utf8"), path, ports.log), ports);
}

/** The usable keys of a JWK set; the others are named in the log. Throws if there is no usable key. */
export function parseJwks(text: string, origin: string, log: AuthLog): KeySnapshot {
  const { keys, problems } = parseJwkSet(text);
  for (const problem of problems) {
    log.warn("a key of the JWK set is not used", { jwks: origin, key: problem.item, reason: problem.reason });
  }
  if (keys.length === 0) throw new Error(`it has no key that can verify a token${explained(problems)}`);
  return { byId: indexed(keys), roots: [] };
}

/** A broken certificate is an error and not skipped: its issuer's tokens would fail without a visible reason. */
function parseBundle(bytes: Buffer, path: string): KeySnapshot {
  const { certificates, problems } = parsePemBundle(bytes);
  const [problem] = problems;
  if (problem !== undefined) throw new Error(`certificate ${problem.item}: ${problem.reason}`);
  if (certificates.length === 0) throw new Error(`it ${describeNoCertificates(bytes, path)}`);
  const keys = certificates.map((certificate, index): IdentifiedKey => {
    try {
      const key = certificate.publicKey;
      return { key, algorithms: algorithmsOf(key), ids: keyIds(key) };
    } catch (error) {
      const reason = error instanceof Error ? error.message : "its key can't be read";
      throw new Error(`certificate ${index + 1}: ${reason}`, { cause: error });
    }
  });
  return { byId: new Map([...indexedByCurve(keys), ...indexed(keys)]), roots: certificates };
}

async function openFileSource(
  label: string,
  path: string,
  parse: (bytes: Buffer) => KeySnapshot,
  { log, clock, onChange }: KeySourcePorts,
): Promise<KeySource> {
  const file = await watchConfigFile({ path, label, parse, log, clock, maxBytes: MAX_KEY_BYTES, onChange });
  return {
    get keys() {
      return file.value;
    },
    check: () => file.check(),
    // `check` looks at the file every second; a new key is found soon enough.
    refresh: () => undefined,
    reload: () => file.reload(),
    close: () => Promise.resolve(),
  };
}

function indexed(keys: readonly IdentifiedKey[]): ReadonlyMap<string, VerificationKey> {
  const byId = new Map<string, VerificationKey>();
  for (const { ids, ...key } of keys) for (const id of ids) byId.set(id, key);
  return byId;
}

/** The keys that are the only ones on their curve, by the id that some issuers compute from the curve instead of the key. */
function indexedByCurve(keys: readonly IdentifiedKey[]): ReadonlyMap<string, VerificationKey> {
  const found = new Map<string, VerificationKey>();
  const shared = new Set<string>();
  for (const key of keys) {
    const id = generatorThumbprint(key.key);
    if (id === undefined) continue;
    if (found.has(id)) shared.add(id);
    found.set(id, key);
  }
  for (const id of shared) found.delete(id);
  return found;
}

function explained(problems: readonly ItemProblem[]): string {
  const [first] = problems;
  return first === undefined ? "" : `: key ${first.item}: ${first.reason}`;
}
