import { hasErrno } from "@longshore/base/errno";
import { open, type FileHandle } from "node:fs/promises";
import type { OutboxReader, OutboxRecord } from "./contract.js";
import { decodeFrame, HEADER_SIZE, scanSegment } from "./frame.js";
import type { Segment } from "./segment.js";

/** Bytes read at once. */
const CHUNK = 64 * 1024;

/** Where a reader finds segments. */
export interface SegmentList {
  /** The first segment behind `after` that holds `sequence` or a later one. */
  find(sequence: number, after: Segment | undefined): Segment | undefined;
}

/** Reads records one after the other, in chunks, across segments. */
export class SegmentReader implements OutboxReader {
  readonly #segments: SegmentList;
  #sequence: number;
  #segment: Segment | undefined;
  #handle: FileHandle | undefined;
  /** Of the segment: what was taken in already. */
  #position = 0;
  readonly #ready: OutboxRecord[] = [];

  constructor(segments: SegmentList, sequence: number) {
    this.#segments = segments;
    this.#sequence = sequence;
  }

  async next(): Promise<OutboxRecord | undefined> {
    for (;;) {
      const record = this.#ready.shift();
      if (record !== undefined) {
        if (record.sequence < this.#sequence) continue;
        this.#sequence = record.sequence + 1;
        return record;
      }
      if (!(await this.#fill())) return undefined;
    }
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    this.#segment = undefined;
    await handle?.close();
  }

  /** Reads more records; false if there are none. */
  async #fill(): Promise<boolean> {
    const segment = this.#segment;
    if (segment === undefined || this.#handle === undefined || this.#position >= segment.size) return this.#advance();
    const chunk = await segment.bytes(this.#handle, this.#position, CHUNK);
    const taken = this.#take(chunk);
    if (taken.kind === "some") return true;
    // Either a record larger than a chunk, or damage: everything that remains is examined.
    const left = segment.size - this.#position;
    const needed = taken.kind === "short" && taken.needed <= left ? taken.needed : left;
    const bytes = await segment.bytes(this.#handle, this.#position, needed);
    if (taken.kind === "short" && needed === taken.needed && this.#take(bytes).kind === "some") return true;
    const rest = await segment.bytes(this.#handle, this.#position, left);
    this.#position += left;
    this.#ready.push(...scanSegment(rest).records);
    return true;
  }

  #take(bytes: Buffer): { kind: "some" } | { kind: "short"; needed: number } | { kind: "damaged" } {
    let at = 0;
    for (;;) {
      const frame = at + HEADER_SIZE <= bytes.byteLength ? decodeFrame(bytes, at) : undefined;
      if (frame?.kind === "record") {
        this.#ready.push(frame.record);
        at = frame.end;
        continue;
      }
      if (at > 0) {
        this.#position += at;
        return { kind: "some" };
      }
      return frame ?? { kind: "damaged" };
    }
  }

  /** Moves to the segment with the next record; false if there is none yet. */
  async #advance(): Promise<boolean> {
    const segment = this.#segments.find(this.#sequence, this.#segment);
    if (segment === undefined || segment.size === 0) return false;
    const handle = await open(segment.path, "r").catch((error: unknown) => {
      // It was just dropped because the outbox is full.
      if (hasErrno(error, "ENOENT")) return undefined;
      throw error;
    });
    await this.close();
    this.#handle = handle;
    this.#segment = segment;
    this.#position = handle === undefined ? segment.size : 0;
    return true;
  }
}
