import { crc32 } from "node:zlib";
import type { OutboxRecord } from "./contract.js";

/**
 * A record on disk: four bytes that mark its beginning, length of the payload (u32), sequence (u64), CRC-32 of length,
 * sequence and payload (u32), payload. Little-endian.
 */
const MAGIC = Buffer.from("LSe1");
const LENGTH_AT = 4;
const SEQUENCE_AT = 8;
const CHECKSUM_AT = 16;
export const HEADER_SIZE = 20;
/** No event is this large; a greater length means damage. */
const LARGEST_PAYLOAD = 64 * 1024 * 1024;

/** The number of bytes that `payload` takes up in a segment. */
export function frameSize(payload: Buffer): number {
  return HEADER_SIZE + payload.byteLength;
}

/** Records from `sequence` on, ready to be written. */
export function encodeFrames(payloads: readonly Buffer[], sequence: number): Buffer {
  const size = payloads.reduce((sum, payload) => sum + frameSize(payload), 0);
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  payloads.forEach((payload, index) => {
    MAGIC.copy(bytes, at);
    bytes.writeUInt32LE(payload.byteLength, at + LENGTH_AT);
    bytes.writeBigUInt64LE(BigInt(sequence + index), at + SEQUENCE_AT);
    payload.copy(bytes, at + HEADER_SIZE);
    bytes.writeUInt32LE(checksum(bytes, at, payload.byteLength), at + CHECKSUM_AT);
    at += HEADER_SIZE + payload.byteLength;
  });
  return bytes;
}

function checksum(bytes: Buffer, at: number, length: number): number {
  const head = crc32(bytes.subarray(at + LENGTH_AT, at + CHECKSUM_AT));
  return crc32(bytes.subarray(at + HEADER_SIZE, at + HEADER_SIZE + length), head);
}

/** What is at a position in a segment. */
export type Frame =
  | { readonly kind: "record"; readonly record: OutboxRecord; readonly end: number }
  /** More bytes are needed to decide: at least this many from the position on. */
  | { readonly kind: "short"; readonly needed: number }
  | { readonly kind: "damaged" };

/** Looks at `bytes` from `at` on. The payload is a view of `bytes`. */
export function decodeFrame(bytes: Buffer, at: number): Frame {
  const available = bytes.byteLength - at;
  if (available < HEADER_SIZE) return { kind: "short", needed: HEADER_SIZE };
  const length = bytes.readUInt32LE(at + LENGTH_AT);
  if (!startsFrame(bytes, at) || length > LARGEST_PAYLOAD) return { kind: "damaged" };
  const needed = HEADER_SIZE + length;
  if (available < needed) return { kind: "short", needed };
  if (bytes.readUInt32LE(at + CHECKSUM_AT) !== checksum(bytes, at, length)) return { kind: "damaged" };
  const sequence = Number(bytes.readBigUInt64LE(at + SEQUENCE_AT));
  if (!Number.isSafeInteger(sequence)) return { kind: "damaged" };
  const payload = bytes.subarray(at + HEADER_SIZE, at + needed);
  return { kind: "record", record: { sequence, payload }, end: at + needed };
}

function startsFrame(bytes: Buffer, at: number): boolean {
  return MAGIC.equals(bytes.subarray(at, at + MAGIC.byteLength));
}

/** What a segment's bytes hold. */
export interface ScannedSegment {
  readonly records: readonly OutboxRecord[];
  /** Where the last whole record ends: anything after that was never acknowledged. */
  readonly end: number;
  /** Whether something before `end` isn't a record: this is damage, since a crash only tears the end. */
  readonly damaged: boolean;
}

/**
 * Every whole record of a segment, whatever lies between them. Sequences ascend: one that doesn't belongs to a write that
 * failed and was written over in part.
 */
export function scanSegment(bytes: Buffer): ScannedSegment {
  const records: OutboxRecord[] = [];
  let end = 0;
  let damaged = false;
  let at = 0;
  while (at < bytes.byteLength) {
    const frame = decodeFrame(bytes, at);
    if (frame.kind === "record" && frame.record.sequence > (records.at(-1)?.sequence ?? 0)) {
      damaged ||= at > end;
      records.push(frame.record);
      end = frame.end;
      at = frame.end;
    } else {
      const next = bytes.indexOf(MAGIC, at + 1);
      at = next === -1 ? bytes.byteLength : next;
    }
  }
  return { records, end, damaged };
}
