import { createPrivateKey, randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { hasErrno } from "@longshore/base/errno";
import { z } from "zod";
import { formatPair, parsePair, type CertificatePair } from "./pair.js";

/**
 * `cachefile`: the directory in which Distribution 3 and docker_auth keep keys and certificates (autocert's `DirCache`), or the
 * file of Distribution 2 (rsc.io/letsencrypt), which is only read. What can't be read is as missing.
 */
export interface CertificateCache {
  readonly isFile: boolean;
  readPair(host: string): Promise<CertificatePair | undefined>;
  readAccountKey(): Promise<string | undefined>;
  /** Throws the system's error. */
  writePair(pair: CertificatePair): Promise<void>;
  /** Throws the system's error. */
  writeAccountKey(key: string): Promise<void>;
}

const ACCOUNT_KEY = "acme_account+key";
/** Older versions of the library had it here. */
const FORMER_ACCOUNT_KEY = "acme_account.key";

/** Larger files are none of these (bytes). */
const LARGEST = 1024 * 1024;

export async function openCertificateCache(path: string): Promise<CertificateCache> {
  const info = await stat(path).catch(() => undefined);
  return info?.isFile() === true ? openFormerFile(path) : openDirectory(path);
}

function openDirectory(directory: string): CertificateCache {
  return {
    isFile: false,
    async readPair(host) {
      for (const name of [host, `${host}+rsa`]) {
        const pair = parsePair(host, (await read(join(directory, name))) ?? "");
        if (pair !== undefined) return pair;
      }
      return undefined;
    },
    readAccountKey: async () =>
      keyIn(await read(join(directory, ACCOUNT_KEY))) ?? keyIn(await read(join(directory, FORMER_ACCOUNT_KEY))),
    async writePair(pair) {
      // The library takes RSA from a file of its own.
      const suffix = createPrivateKey(pair.key).asymmetricKeyType === "rsa" ? "+rsa" : "";
      await write(directory, `${pair.host}${suffix}`, formatPair(pair));
    },
    writeAccountKey: (key) => write(directory, ACCOUNT_KEY, key),
  };
}

const FORMER = z.object({
  Key: z.string().default(""),
  Certs: z.record(z.string(), z.object({ Cert: z.string(), Key: z.string() })).nullish(),
});

function openFormerFile(path: string): CertificateCache {
  const state = async (): Promise<z.output<typeof FORMER> | undefined> => {
    const text = await read(path);
    try {
      return FORMER.safeParse(JSON.parse(text ?? "")).data;
    } catch {
      return undefined;
    }
  };
  return {
    isFile: true,
    async readPair(host) {
      const found = (await state())?.Certs?.[host];
      return found === undefined ? undefined : parsePair(host, `${found.Key}\n${found.Cert}`);
    },
    readAccountKey: async () => keyIn((await state())?.Key),
    // It stays as it is: the protocol of those who wrote it is gone.
    writePair: () => Promise.resolve(),
    writeAccountKey: () => Promise.resolve(),
  };
}

function keyIn(text: string | undefined): string | undefined {
  return text?.includes("PRIVATE KEY-----") === true ? text : undefined;
}

async function read(path: string): Promise<string | undefined> {
  try {
    const info = await stat(path);
    return info.isFile() && info.size <= LARGEST ? await readFile(path, "utf8") : undefined;
  } catch {
    return undefined;
  }
}

/** A reader sees the old file or the new one; both are for their owner alone. */
async function write(directory: string, name: string, text: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, name);
  const temporary = join(directory, `.${randomUUID()}.tmp`);
  const file = await open(temporary, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
    await file.close();
    await rename(temporary, path);
  } catch (error) {
    await file.close().catch(() => undefined);
    await unlink(temporary).catch((cause: unknown) => {
      if (!hasErrno(cause, "ENOENT")) throw cause;
    });
    throw error;
  }
}
