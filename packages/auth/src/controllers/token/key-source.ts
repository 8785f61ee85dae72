import type { X509Certificate } from "node:crypto";
import { algorithmsOf } from "../../keys/algorithms.js";
import { parseJwkSet, type IdentifiedKey, type VerificationKey } from "../../keys/jwk-set.js";
import { generatorThumbprint, keyIds } from "../../keys/key-id.js";
import { parsePemBundle, type ItemProblem } from "../../keys/pem-bundle.js";
import { openWatchedFile } from "../../keys/watched-file.js";
import type { AuthLog, Clock } from "../../ports.js";

/** Keys at one time. */
export interface KeySnapshot {
  readonly byId: ReadonlyMap<string, VerificationKey>;
  readonly roots: readonly X509Certificate[];
}

/** Where trusted keys come from, and how they follow it. */
export interface KeySource {
  /** The newest keys; undefined while there never were any. */
  readonly keys: KeySnapshot | undefined;
  /** Looks for changes if it is time to. The promise, where there is one, never rejects. */
  check(): Promise<void> | undefined;
  /** Asks for keys that became known since; undefined where that makes no sense now. The promise never rejects. */
  refresh(): Promise<void> | undefined;
  /** Reads all anew. Throws where that fails, and keeps what it had. */
  reload(): Promise<void>;
  close(): Promise<void>;
}

/** What file sources need. */
export interface KeySourcePorts {
  readonly log: AuthLog;
  readonly clock: Clock;
  /** Told when keys were replaced. */
  readonly onChange: () => void;
}

/** A bundle or key set of more is a mistake. */
export const MAX_KEY_BYTES = 4 * 1024 * 1024;

/** The keys of `rootcertbundle`, a file at `path`. Throws where it can't be used. */
export function openBundleSource(path: string, ports: KeySourcePorts): Promise<KeySource> {
  return openFileSource("rootcertbundle", path, parseBundle, ports);
}

/** The keys of a JWK set in a file at `path`. Throws where it can't be used. */
export function openJwksFileSource(path: string, ports: KeySourcePorts): Promise<KeySource> {
  return openFileSource("jwks", path, (text) => parseJwks(text, path, ports.log), ports);
}

/** The keys of a JWK set; what isn't one of ours is named in the log. Throws where it has none at all. */
export function parseJwks(text: string, origin: string, log: AuthLog): KeySnapshot {
  const { keys, problems } = parseJwkSet(text);
  for (const problem of problems) {
    log.warn("a key of the JWK set is not used", { jwks: origin, key: problem.item, reason: problem.reason });
  }
  if (keys.length === 0) throw new Error(`it has no key that can verify a token${explained(problems)}`);
  return { byId: indexed(keys), roots: [] };
}

/** A broken certificate is refused, not skipped: tokens of its issuer would fail for no reason that anybody sees. */
function parseBundle(text: string): KeySnapshot {
  const { certificates, problems } = parsePemBundle(text);
  const [problem] = problems;
  if (problem !== undefined) throw new Error(`certificate ${problem.item}: ${problem.reason}`);
  if (certificates.length === 0) throw new Error("it has no certificate: PEM blocks of CERTIFICATE are wanted");
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
  parse: (text: string) => KeySnapshot,
  { log, clock, onChange }: KeySourcePorts,
): Promise<KeySource> {
  const file = await openWatchedFile({
    path,
    label,
    parse: (bytes) => parse(bytes.toString("utf8")),
    log,
    clock,
    maxBytes: MAX_KEY_BYTES,
    onChange,
  });
  return {
    get keys() {
      return file.value;
    },
    check: () => file.check(),
    // The file may hold a new key since less than a second.
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

/** Keys that are the only one of their curve, by the id that some issuers give to a curve and not to a key. */
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
