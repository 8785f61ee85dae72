import { AuthError, type Records } from "@longshore/auth";
import { generateKeyPairSync } from "node:crypto";
import { z } from "zod";
import { parseSigningKey, type SigningKey } from "./signing-key.js";
import { selfSigned } from "./self-signed.js";

/** Algorithms that keys are generated for. */
export const GENERATED = ["ES256", "RS256", "EdDSA"] as const;
export type GeneratedAlgorithm = (typeof GENERATED)[number];

/** One record for all keys, so that a rotation is one change. */
const NAME = "token-server/signing-keys";

const RECORD = z.object({
  version: z.literal(1),
  /** From the oldest to the newest; times in milliseconds since 1970. */
  keys: z
    .array(
      z.object({
        privatekey: z.string(),
        certificate: z.string(),
        created: z.number(),
        signsfrom: z.number(),
        verifiesuntil: z.number().optional(),
      }),
    )
    .min(1)
    .max(100),
});

type KeysRecord = z.output<typeof RECORD>;

/** A key with the times (ms since 1970) in which it is used. */
export interface StoredKey extends SigningKey {
  readonly created: number;
  readonly signsFrom: number;
  /** Undefined: as long as no newer key replaces it. */
  readonly verifiesUntil: number | undefined;
}

/** What new keys are made with. */
export interface KeyMaking {
  readonly algorithm: GeneratedAlgorithm;
  /** The common name of certificates. */
  readonly issuer: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** How long a new key is published before it signs (ms): every replica, and who fetches the key set, has it by then. */
const LEAD = 60_000;

/** Beside a token's lifetime: the leeway of verifiers, and a replica that noticed the rotation late (ms). */
const OVERLAP = 180_000;

/** The keys on the storage, from the oldest to the newest; undefined if there are none. Throws AuthError UNAVAILABLE. */
export async function readKeys(records: Records): Promise<readonly StoredKey[] | undefined> {
  return (await read(records))?.keys;
}

/** The keys on the storage, which are generated first if there are none: of several processes, one's are kept. */
export async function readOrCreateKeys(records: Records, making: KeyMaking): Promise<readonly StoredKey[]> {
  const there = await readKeys(records);
  if (there !== undefined) return there;
  await available(() => records.create(NAME, encode({ version: 1, keys: [newKey(making, making.now)] })));
  const created = await readKeys(records);
  if (created !== undefined) return created;
  throw new AuthError({ code: "UNAVAILABLE", reason: "the signing keys were removed while they were created" });
}

/**
 * Adds a key, which signs in a minute; the others verify until their tokens are gone, after `lifetime` ms. Resolves with all
 * keys. Throws AuthError UNAVAILABLE, also if others change the keys at the same time.
 */
export async function rotateKeys(
  records: Records,
  making: KeyMaking & { readonly lifetime: number },
): Promise<readonly StoredKey[]> {
  const { now, lifetime } = making;
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const found = await read(records);
    if (found === undefined) return readOrCreateKeys(records, making);
    const signsfrom = now + LEAD;
    const keys = found.record.keys
      .filter(({ verifiesuntil }) => verifiesuntil === undefined || verifiesuntil > now)
      .map((key) => ({ ...key, verifiesuntil: key.verifiesuntil ?? signsfrom + lifetime + OVERLAP }));
    const next: KeysRecord = { version: 1, keys: [...keys, newKey(making, signsfrom)] };
    if (await available(() => records.replace(NAME, encode(next), found.version))) return next.keys.map(storedKey);
  }
  throw new AuthError({ code: "UNAVAILABLE", reason: "others rotate the signing keys at the same time; try again" });
}

async function read(records: Records) {
  const found = await available(() => records.read(NAME));
  if (found === undefined) return undefined;
  try {
    const record = RECORD.parse(JSON.parse(Buffer.from(found.value).toString("utf8")));
    return { record, keys: record.keys.map(storedKey), version: found.version };
  } catch {
    // Not the parser's own message, which could quote a key.
    const reason = `the record ${NAME} on the storage can't be read; restore it, or remove it to generate new keys`;
    throw new AuthError({ code: "UNAVAILABLE", reason });
  }
}

function storedKey({
  privatekey,
  certificate,
  created,
  signsfrom,
  verifiesuntil,
}: KeysRecord["keys"][number]): StoredKey {
  const key = parseSigningKey(privatekey, certificate);
  return { ...key, created, signsFrom: signsfrom, verifiesUntil: verifiesuntil };
}

function newKey({ algorithm, issuer, now }: KeyMaking, signsfrom: number): KeysRecord["keys"][number] {
  const { privateKey, publicKey } = generate(algorithm);
  const privatekey = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  return { privatekey, certificate: selfSigned(issuer, privateKey, publicKey, now), created: now, signsfrom };
}

function generate(algorithm: GeneratedAlgorithm) {
  switch (algorithm) {
    case "ES256":
      return generateKeyPairSync("ec", { namedCurve: "P-256" });
    case "RS256":
      return generateKeyPairSync("rsa", { modulusLength: 3072 });
    case "EdDSA":
      return generateKeyPairSync("ed25519");
  }
}

function encode(record: KeysRecord): Uint8Array {
  return Buffer.from(JSON.stringify(record));
}

/** What the storage throws is no answer for a client: UNAVAILABLE is. */
export async function available<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new AuthError({ code: "UNAVAILABLE", reason: "the storage of the token server's records fails" }, { cause });
  }
}
