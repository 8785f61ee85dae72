import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Evict, Outbox, OutboxReader } from "./contract.js";
import { encodeFrames, frameSize } from "./frame.js";
import { SegmentReader } from "./reader.js";
import { firstSequenceOf, Segment } from "./segment.js";

/** The bytes written and synced at once; while one batch is being synced, the next one is collected. */
const LARGEST_BATCH = 4 * 1024 * 1024;
const SMALLEST_SEGMENT = 16 * 1024;
const LARGEST_SEGMENT = 16 * 1024 * 1024;
/** The directory is trimmed by whole segments. */
const SEGMENTS = 16;

export interface FileOutboxOptions {
  /** Exists, and belongs to this process alone. */
  readonly directory: string;
  readonly maxBytes: number;
  /** The lowest sequence the next record may have: a reader may have seen records that a power loss destroyed. */
  readonly atLeast: number;
  readonly evict: Evict;
  /** Called with bytes that aren't a record, and with those that an unfinished write left. */
  readonly onRepair: (what: "torn" | "damaged", segment: string) => void;
}

interface Waiting {
  readonly payloads: readonly Buffer[];
  readonly durable: boolean;
  readonly settle: (error?: unknown) => void;
}

/** Opens the outbox in a directory and repairs what a crash left. */
export async function openFileOutbox(options: FileOutboxOptions): Promise<Outbox> {
  const segments: Segment[] = [];
  const names = (await readdir(options.directory)).filter((name) => firstSequenceOf(name) !== undefined).sort();
  let next = 1;
  for (const [index, name] of names.entries()) {
    const path = join(options.directory, name);
    const { segment, scanned, length } = await Segment.read(path, firstSequenceOf(name) ?? 0);
    if (scanned.damaged) options.onRepair("damaged", path);
    if (length > segment.size) {
      options.onRepair("torn", path);
      await segment.repair();
    }
    next = Math.max(next, segment.next);
    if (segment.size > 0 || index === names.length - 1) segments.push(segment);
    else await segment.remove();
  }
  return new FileOutbox(options, segments, Math.max(next, options.atLeast));
}

class FileOutbox implements Outbox {
  readonly #options: FileOutboxOptions;
  readonly #segmentSize: number;
  readonly #segments: Segment[];
  readonly #listeners = new Set<() => void>();
  #next: number;
  #waiting: Waiting[] = [];
  /** The writer while it is at work. */
  #work: Promise<void> | undefined;
  #closed = false;

  constructor(options: FileOutboxOptions, segments: Segment[], next: number) {
    this.#options = options;
    this.#segments = segments;
    this.#next = next;
    const share = Math.floor(options.maxBytes / SEGMENTS);
    this.#segmentSize = Math.min(LARGEST_SEGMENT, Math.max(SMALLEST_SEGMENT, share));
  }

  get next(): number {
    return this.#next;
  }

  get bytes(): number {
    return this.#segments.reduce((sum, { size }) => sum + size, 0);
  }

  append(payloads: readonly Buffer[], durable: boolean): Promise<void> {
    if (this.#closed) return Promise.reject(new Error("the outbox is closed"));
    return new Promise((resolve, reject) => {
      const settle = (error?: unknown): void => {
        if (error === undefined) resolve();
        else reject(error instanceof Error ? error : new Error("the outbox can't be written"));
      };
      this.#waiting.push({ payloads, durable, settle });
      this.#work ??= this.#writeAll();
    });
  }

  reader(sequence: number): OutboxReader {
    const find = (wanted: number, after: Segment | undefined): Segment | undefined =>
      this.#segments.find(({ first, next }) => next > wanted && first > (after?.first ?? -1));
    return new SegmentReader({ find }, sequence);
  }

  async trim(sequence: number): Promise<void> {
    while (this.#segments.length > 1) {
      const [oldest] = this.#segments;
      if (oldest === undefined || oldest.next > sequence) return;
      this.#segments.shift();
      await oldest.remove();
    }
  }

  onAppend(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#work;
    await this.#segments.at(-1)?.close();
  }

  async #writeAll(): Promise<void> {
    // A turn of the event loop later: requests that end together share one sync.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#takeBatch();
      try {
        await this.#write(batch);
        for (const { settle } of batch) settle();
      } catch (error) {
        for (const { settle } of batch) settle(error);
      }
      for (const listener of this.#listeners) listener();
    }
    // In the same step as the check that found nothing: the next caller restarts the work.
    this.#work = undefined;
  }

  #takeBatch(): readonly Waiting[] {
    let size = 0;
    let count = 0;
    for (const { payloads } of this.#waiting) {
      size += payloads.reduce((sum, payload) => sum + frameSize(payload), 0);
      if (count > 0 && size > LARGEST_BATCH) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #write(batch: readonly Waiting[]): Promise<void> {
    const payloads = batch.flatMap((waiting) => waiting.payloads);
    const bytes = encodeFrames(payloads, this.#next);
    await this.#makeRoom(bytes.byteLength);
    const segment = await this.#segmentFor(bytes.byteLength);
    const next = this.#next + payloads.length;
    try {
      await segment.write(bytes);
      if (batch.some(({ durable }) => durable)) await segment.sync();
    } catch (error) {
      await this.#abandon(segment);
      throw error;
    }
    segment.publish(bytes.byteLength, next);
    this.#next = next;
  }

  /** The last segment, or a new one after it; the last one's content is then synced, since nothing will do it later. */
  async #segmentFor(size: number): Promise<Segment> {
    const last = this.#segments.at(-1);
    if (last !== undefined && (last.size === 0 || last.size + size <= this.#segmentSize)) return last;
    await last?.sync();
    await last?.close();
    const segment = await Segment.create(this.#options.directory, this.#next);
    this.#segments.push(segment);
    return segment;
  }

  /**
   * After a failed write it is unknown what of it is on the disk, so nothing more is appended to that segment. What it
   * may hold beyond its end has sequences that the next segment reuses, and the next segment's count.
   */
  async #abandon(segment: Segment): Promise<void> {
    await segment.discard().catch(() => undefined);
    await segment.close().catch(() => undefined);
    // Skipping numbers costs nothing; reusing one could bring a dead record back.
    this.#next += LARGEST_BATCH;
    if (segment.size > 0) {
      const fresh = await Segment.create(this.#options.directory, this.#next).catch(() => undefined);
      if (fresh !== undefined) this.#segments.push(fresh);
    }
  }

  /** Drops the oldest segments until `size` more bytes fit. */
  async #makeRoom(size: number): Promise<void> {
    const { maxBytes, evict } = this.#options;
    while (this.bytes + size > maxBytes) {
      const [oldest, second] = this.#segments;
      if (oldest === undefined || oldest.size === 0) return;
      if (second === undefined) {
        await oldest.sync();
        this.#segments.push(await Segment.create(this.#options.directory, this.#next));
      }
      await evict(await oldest.records(), oldest.next);
      // Unless every reader has read it in the meantime.
      if (this.#segments[0] !== oldest) continue;
      this.#segments.shift();
      await oldest.remove();
    }
  }
}
