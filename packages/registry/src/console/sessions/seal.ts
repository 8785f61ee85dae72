import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import type { Records } from "@longshore/auth";

/** Encrypts what browsers keep for the registry. */
export interface Seal {
  /** Throws what the records throw. */
  seal(text: string): Promise<string>;
  /** Undefined: not sealed by this registry, or changed. Throws what the records throw. */
  open(sealed: string): Promise<string | undefined>;
}

/** Where the half of the key is that is on the storage. */
const KEY_RECORD = "console/session-key";
const KEY_BYTES = 32;

/** What sealed texts begin with; another form gets another word. */
const FORM = "s1";

const CIPHER = "aes-256-gcm";
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** How long it isn't asked again whether there is a key (ms): until the first login, anybody can make up a cookie. */
const ABSENT_FOR = 1000;

/** Longer than anything that is sealed here, and than a cookie may be. */
const MAX_LENGTH = 4096;

/**
 * Seals with AES-256-GCM under a key (RFC 5869) of two halves: `secret`, which may be short or known, and random bytes on the storage,
 * which those may read who may read all of its content. Only who has both can make a session.
 */
export function createSeal(records: Pick<Records, "read" | "create">, secret: string): Seal {
  let known: Promise<Buffer | undefined> | undefined;
  let absentAt = Number.NEGATIVE_INFINITY;

  /** Undefined if there is none yet: nothing has ever been sealed. */
  async function readKey(): Promise<Buffer | undefined> {
    const record = await records.read(KEY_RECORD);
    if (record === undefined) return undefined;
    if (record.value.byteLength !== KEY_BYTES)
      throw new Error("the key of the console's sessions is damaged; remove its record, and everybody logs in again");
    const material = Buffer.concat([record.value, Buffer.from(secret)]);
    return Buffer.from(hkdfSync("sha256", material, "", "longshore console sessions", 32));
  }

  /** Read once; a failure isn't remembered. */
  async function findKey(): Promise<Buffer | undefined> {
    const reading = (known ??= readKey());
    try {
      const key = await reading;
      if (key === undefined) {
        absentAt = performance.now();
        if (known === reading) known = undefined;
      }
      return key;
    } catch (error) {
      if (known === reading) known = undefined;
      throw error;
    }
  }

  async function keyForSealing(): Promise<Buffer> {
    const there = await findKey();
    if (there !== undefined) return there;
    await records.create(KEY_RECORD, randomBytes(KEY_BYTES));
    const created = await findKey();
    if (created === undefined) throw new Error("the key of the console's sessions was removed while it was created");
    return created;
  }

  return {
    async seal(text) {
      const key = await keyForSealing();
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(CIPHER, key, iv).setAAD(Buffer.from(FORM));
      const bytes = Buffer.concat([iv, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
      return `${FORM}.${bytes.toString("base64url")}`;
    },
    async open(sealed) {
      const bytes = bytesOf(sealed);
      if (bytes === undefined) return undefined;
      if (known === undefined && performance.now() - absentAt < ABSENT_FOR) return undefined;
      const key = await findKey();
      if (key === undefined) return undefined;
      const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(FORM)).setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]).toString(
          "utf8",
        );
      } catch {
        return undefined;
      }
    },
  };
}

/** Undefined if `sealed` has another form, without any work for what can't be ours. */
function bytesOf(sealed: string): Buffer | undefined {
  const [form, text = "", ...more] = sealed.length > MAX_LENGTH ? [] : sealed.split(".");
  if (form !== FORM || more.length > 0) return undefined;
  const bytes = Buffer.from(text, "base64url");
  // One spelling each: what was changed in any way is refused.
  if (bytes.toString("base64url") !== text || bytes.length <= IV_BYTES + TAG_BYTES) return undefined;
  return bytes;
}
