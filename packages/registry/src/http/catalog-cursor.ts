import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

/**
 * Says where a filtered list goes on without naming a repository that the reader may not know of. A cursor can't be a
 * repository's name, since it begins with `~`.
 */
export interface CatalogCursor {
  seal(name: string): string;
  /** The name that `text` stands for: `text` itself where it is no cursor; empty for one that isn't ours. */
  open(text: string): string;
}

const MARK = "~";
const CIPHER = "aes-256-gcm";
const NONCE = 12;
const TAG = 16;

/** Cursors that every process with the same `secret` reads. */
export function createCatalogCursor(secret: string): CatalogCursor {
  const key = Buffer.from(hkdfSync("sha256", secret, "", "catalog cursor", 32));
  return {
    seal(name) {
      const nonce = randomBytes(NONCE);
      const cipher = createCipheriv(CIPHER, key, nonce);
      const sealed = [nonce, cipher.update(name, "utf8"), cipher.final()];
      return MARK + Buffer.concat([...sealed, cipher.getAuthTag()]).toString("base64url");
    },
    open(text) {
      if (!text.startsWith(MARK)) return text;
      const bytes = Buffer.from(text.slice(MARK.length), "base64url");
      if (bytes.length < NONCE + TAG) return "";
      const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE), { authTagLength: TAG });
      decipher.setAuthTag(bytes.subarray(-TAG));
      try {
        const name = decipher.update(bytes.subarray(NONCE, -TAG));
        return Buffer.concat([name, decipher.final()]).toString("utf8");
      } catch {
        return "";
      }
    },
  };
}
