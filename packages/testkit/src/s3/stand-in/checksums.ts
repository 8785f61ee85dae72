import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { notImplemented, S3Refusal } from "./refusal.js";

const CRC32C_POLYNOMIAL = 0x82f63b78;
const CRC32C_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ CRC32C_POLYNOMIAL : value >>> 1;
  return value;
});

function crc32c(bytes: Buffer): number {
  let value = 0xffffffff;
  for (const byte of bytes) value = (CRC32C_TABLE[(value ^ byte) & 0xff] ?? 0) ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

function bigEndian(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

const ALGORITHMS: ReadonlyMap<string, (bytes: Buffer) => Buffer> = new Map([
  ["crc32", (bytes: Buffer) => bigEndian(crc32(bytes))],
  ["crc32c", (bytes: Buffer) => bigEndian(crc32c(bytes))],
  ["sha1", (bytes: Buffer) => createHash("sha1").update(bytes).digest()],
  ["sha256", (bytes: Buffer) => createHash("sha256").update(bytes).digest()],
]);

/** Headers that start like checksums but hold none. */
const NO_CHECKSUM = new Set(["x-amz-checksum-algorithm", "x-amz-checksum-mode", "x-amz-checksum-type"]);

/**
 * Compares the body with each checksum that came with it, in headers or in the trailer. Tells how many there were. Throws
 * BadDigest, or NotImplemented for an algorithm that isn't here.
 */
export function verifyChecksums(bytes: Buffer, headers: ReadonlyMap<string, string>): number {
  let count = 0;
  const md5 = headers.get("content-md5");
  if (md5 !== undefined) {
    count += 1;
    if (createHash("md5").update(bytes).digest("base64") !== md5) {
      throw new S3Refusal(400, "BadDigest", "The Content-MD5 you specified did not match what we received.");
    }
  }
  for (const [name, value] of headers) {
    if (!name.startsWith("x-amz-checksum-") || NO_CHECKSUM.has(name)) continue;
    const algorithm = name.slice("x-amz-checksum-".length);
    const digest = ALGORITHMS.get(algorithm);
    if (digest === undefined) throw notImplemented(`checksum ${algorithm}`);
    count += 1;
    if (digest(bytes).toString("base64") !== value) {
      throw new S3Refusal(400, "BadDigest", `The ${algorithm} you specified did not match the calculated checksum.`);
    }
  }
  return count;
}
