import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { verifyChecksums } from "./checksums.js";
import { notImplemented, S3Refusal } from "./refusal.js";
import type { S3Request } from "./request.js";

/** A request's body, verified. */
export interface Payload {
  readonly bytes: Buffer;
  /** Whether a checksum (not counting the signature) vouches for it. */
  readonly hasChecksum: boolean;
}

const TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

/**
 * Reads the whole body, and compares it with the length, the hash of the signature (`promised`) and every checksum that came
 * with it. Throws {@link S3Refusal} as S3 would; IncompleteBody where the connection ended early.
 */
export async function readPayload(message: IncomingMessage, request: S3Request, promised: string): Promise<Payload> {
  if (promised.startsWith("STREAMING-") && promised !== TRAILER) throw notImplemented(promised);
  const length = request.headers.get("content-length");
  const decoded = request.headers.get("x-amz-decoded-content-length");
  if (request.headers.has("transfer-encoding") && decoded === undefined) {
    throw new S3Refusal(411, "MissingContentLength", "You must provide the Content-Length HTTP header.");
  }
  const raw = await readAll(message);
  if (length !== undefined && raw.byteLength !== Number(length)) throw incompleteBody();
  if (promised !== TRAILER) {
    const matches = promised === "UNSIGNED-PAYLOAD" || createHash("sha256").update(raw).digest("hex") === promised;
    if (!matches) {
      const text = "The provided 'x-amz-content-sha256' header does not match what was computed.";
      throw new S3Refusal(400, "XAmzContentSHA256Mismatch", text);
    }
    return { bytes: raw, hasChecksum: verifyChecksums(raw, request.headers) > 0 };
  }
  const { bytes, trailer } = decodeChunks(raw);
  if (bytes.byteLength !== Number(decoded)) throw incompleteBody();
  const checksums = verifyChecksums(bytes, new Map([...request.headers, ...trailer]));
  return { bytes, hasChecksum: checksums > 0 };
}

async function readAll(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of message) if (chunk instanceof Buffer) chunks.push(chunk);
  } catch {
    throw incompleteBody();
  }
  return Buffer.concat(chunks);
}

function incompleteBody(): S3Refusal {
  return new S3Refusal(400, "IncompleteBody", "The request body terminated unexpectedly");
}

/** `aws-chunked` without signatures: `<hex>\r\n<bytes>\r\n … 0\r\n<trailer lines>\r\n`. */
function decodeChunks(raw: Buffer): { bytes: Buffer; trailer: ReadonlyMap<string, string> } {
  const chunks: Buffer[] = [];
  let at = 0;
  const line = (): string => {
    const end = raw.indexOf("\r\n", at, "latin1");
    if (end < 0) throw incompleteBody();
    const text = raw.toString("latin1", at, end);
    at = end + 2;
    return text;
  };
  for (;;) {
    const size = line();
    if (!/^[0-9a-fA-F]{1,8}$/.test(size)) throw incompleteBody();
    const length = Number.parseInt(size, 16);
    if (length === 0) break;
    chunks.push(raw.subarray(at, at + length));
    at += length;
    if (line() !== "") throw incompleteBody();
  }
  const trailer = new Map<string, string>();
  for (let text = at < raw.byteLength ? line() : ""; text !== ""; text = line()) {
    const colon = text.indexOf(":");
    trailer.set(text.slice(0, colon).toLowerCase(), text.slice(colon + 1).trim());
  }
  return { bytes: Buffer.concat(chunks), trailer };
}
