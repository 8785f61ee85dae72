import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

/**
 * Marks where the next page of a filtered list begins, without revealing a repository that the reader may not see. A cursor
 * begins with `~`, which no repository name does.
 */
export interface CatalogCursor {
  seal(name: string): string;
  /** The name in the cursor `text`: `text` itself if it isn't a cursor, empty if it isn't one of ours. */
  open(text: string): string;
}

const MARK = "~";
const CIPHER = "aes-256-gcm";
const NONCE = 12;
const TAG = 16;

/** Creates cursors that every process with the same `secret` can read. */
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
