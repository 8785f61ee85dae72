import { createHash } from "node:crypto";
import type { RecordStore } from "@longshore/storage";
import { z } from "zod";
import { formatPair, parsePair, type CertificatePair } from "./pair.js";

/** A certificate on the storage. */
export interface StoredPair {
  readonly pair: CertificatePair;
  /** The URL of the authority's directory. */
  readonly directory: string;
}

/** How the latest attempts for a host went. Times in milliseconds since 1970. */
export interface Attempts {
  readonly directory: string;
  /** In a row. */
  readonly failures: number;
  /** No attempt before. */
  readonly after: number;
  /** Whether the authority said so, rather than this program. */
  readonly isPostponed: boolean;
}

/** A challenge that an authority is about to look for. */
export interface PendingChallenge {
  readonly token: string;
  readonly keyAuthorization: string;
  /** For TLS-ALPN-01: PEM. */
  readonly key: string;
  readonly certificate: string;
}

/**
 * What processes and replicas share of certificates. Each is one record, written at once: there is no half of a pair. A record
 * that can't be read is as none. Throws StorageError.
 */
export interface CertificateRecords {
  readPair(host: string): Promise<StoredPair | undefined>;
  /** Keeps the pair, unless another process has changed it since `before` was read. Resolves with what is there now. */
  keepPair(next: StoredPair, before: StoredPair | undefined): Promise<StoredPair | undefined>;
  readAttempts(host: string): Promise<Attempts | undefined>;
  keepAttempts(host: string, attempts: Attempts): Promise<void>;
  /** The account's key for a directory, in PEM. The one that `make` returns is kept if there is none: of several, one. */
  accountKey(directory: string, make: () => string): Promise<string>;
  readChallenge(host: string): Promise<PendingChallenge | undefined>;
  keepChallenge(host: string, challenge: PendingChallenge): Promise<void>;
  forgetChallenge(host: string): Promise<void>;
}

const FOLDER = "certificates";

/** A name of its own for each, whatever characters and length it has. */
function idOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

/** The lease of the process that orders a host's certificate. */
export function leaseOf(host: string): string {
  return `${FOLDER}/leases/${idOf(host)}`;
}

const PAIR = z.object({ version: z.literal(1), host: z.string(), directory: z.string(), pem: z.string() });
const ATTEMPTS = z.object({
  version: z.literal(1),
  directory: z.string(),
  failures: z.number(),
  after: z.number(),
  isPostponed: z.boolean(),
});
const ACCOUNT = z.object({ version: z.literal(1), directory: z.string(), key: z.string() });
const CHALLENGE = z.object({
  version: z.literal(1),
  token: z.string(),
  keyAuthorization: z.string(),
  key: z.string(),
  certificate: z.string(),
});

export function openCertificateRecords(records: RecordStore): CertificateRecords {
  const names = {
    pair: (host: string) => `${FOLDER}/hosts/${idOf(host)}`,
    attempts: (host: string) => `${FOLDER}/attempts/${idOf(host)}`,
    challenge: (host: string) => `${FOLDER}/challenges/${idOf(host)}`,
    account: (directory: string) => `${FOLDER}/accounts/${idOf(directory)}`,
  };

  async function read<T>(name: string, schema: z.ZodType<T>): Promise<T | undefined> {
    const found = await records.read(name);
    return found === undefined ? undefined : schema.safeParse(parseJson(found.value)).data;
  }

  /** Writes whatever is there: only the holder of the lease does. */
  async function write(name: string, value: object): Promise<void> {
    const bytes = encode(value);
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
      const found = await records.read(name);
      const isWritten =
        found === undefined ? await records.create(name, bytes) : await records.replace(name, bytes, found.version);
      if (isWritten) return;
    }
    throw new Error(`the record ${name} is changed by others all the time`);
  }

  const readPair = async (host: string): Promise<StoredPair | undefined> => {
    const found = await read(names.pair(host), PAIR);
    const pair = found?.host === host ? parsePair(host, found.pem) : undefined;
    return found === undefined || pair === undefined ? undefined : { pair, directory: found.directory };
  };

  return {
    readPair,
    async keepPair(next, before) {
      const { host } = next.pair;
      const name = names.pair(host);
      const value = encode({ version: 1, host, directory: next.directory, pem: formatPair(next.pair) });
      const found = await records.read(name);
      if (found === undefined) await records.create(name, value);
      else {
        const there = await readPair(host);
        if (there === undefined || isSame(there, before)) await records.replace(name, value, found.version);
      }
      return readPair(host);
    },
    readAttempts: (host) => read(names.attempts(host), ATTEMPTS),
    keepAttempts: (host, attempts) => write(names.attempts(host), { version: 1, ...attempts }),
    async accountKey(directory, make) {
      const name = names.account(directory);
      const there = await read(name, ACCOUNT);
      if (there !== undefined) return there.key;
      await records.create(name, encode({ version: 1, directory, key: make() }));
      const created = await read(name, ACCOUNT);
      if (created === undefined) throw new Error("the key of the account can't be kept on the storage");
      return created.key;
    },
    readChallenge: (host) => read(names.challenge(host), CHALLENGE),
    keepChallenge: (host, challenge) => write(names.challenge(host), { version: 1, ...challenge }),
    forgetChallenge: (host) => records.remove(names.challenge(host)),
  };
}

/** Changes that may come in between before writing counts as failed. */
const MOST_ATTEMPTS = 5;

function isSame(there: StoredPair, before: StoredPair | undefined): boolean {
  return there.pair.chain === before?.pair.chain && there.pair.key === before.pair.key;
}

function encode(value: object): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

/** Undefined of what is no JSON. */
function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return undefined;
  }
}
