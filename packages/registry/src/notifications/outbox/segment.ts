import { hasErrno } from "@longshore/base/errno";
import { open, readFile, unlink, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import type { OutboxRecord } from "./contract.js";
import { FILE_MODE, readAt, syncDirectory, writeAt } from "./files.js";
import { scanSegment, type ScannedSegment } from "./frame.js";

const NAME = /^segment\.([0-9]{16})$/;

/** The first sequence that a segment with this name may hold; undefined if it isn't a segment's name. */
export function firstSequenceOf(name: string): number | undefined {
  const [, digits] = NAME.exec(name) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** A file of records in ascending order. It is only appended to, and removed as a whole. */
export class Segment {
  readonly first: number;
  readonly path: string;
  /** Bytes of the records that readers may see. */
  size: number;
  /** Behind the last record. */
  next: number;
  #writer: FileHandle | undefined;

  private constructor(first: number, path: string, size: number, next: number) {
    this.first = first;
    this.path = path;
    this.size = size;
    this.next = next;
  }

  /** A new one in `directory`; its name is durable when this resolves. */
  static async create(directory: string, first: number): Promise<Segment> {
    const path = join(directory, `segment.${String(first).padStart(16, "0")}`);
    const segment = new Segment(first, path, 0, first);
    // If it already exists it is empty: a crash came between its creation and its first record.
    segment.#writer = await open(path, "w", FILE_MODE);
    try {
      await syncDirectory(directory);
    } catch (error) {
      await segment.close();
      throw error;
    }
    return segment;
  }

  /** An existing one, and its content. */
  static async read(
    path: string,
    first: number,
  ): Promise<{ segment: Segment; scanned: ScannedSegment; length: number }> {
    const bytes = await readFile(path);
    const scanned = scanSegment(bytes);
    const next = (scanned.records.at(-1)?.sequence ?? first - 1) + 1;
    const segment = new Segment(first, path, scanned.end, Math.max(next, first));
    return { segment, scanned, length: bytes.byteLength };
  }

  /** Cuts off what follows the last whole record, so that more can be appended. */
  async repair(): Promise<void> {
    this.#writer = await open(this.path, "r+");
    await this.#writer.truncate(this.size);
    await this.#writer.datasync();
  }

  /** Writes `bytes` behind the rest. Readers don't see them before {@link publish}. */
  async write(bytes: Buffer): Promise<void> {
    await writeAt(await this.#open(), bytes, this.size);
  }

  async sync(): Promise<void> {
    await (await this.#open()).datasync();
  }

  publish(bytes: number, next: number): void {
    this.size += bytes;
    this.next = next;
  }

  /** Removes what was written and not published; may fail, as the write may have. */
  async discard(): Promise<void> {
    await (await this.#open()).truncate(this.size);
  }

  async #open(): Promise<FileHandle> {
    return (this.#writer ??= await open(this.path, "r+"));
  }

  /** Ends writing. */
  async close(): Promise<void> {
    const writer = this.#writer;
    this.#writer = undefined;
    await writer?.close();
  }

  async remove(): Promise<void> {
    await this.close();
    await unlink(this.path);
  }

  /** Its published bytes from `position` on, at most `length`. */
  async bytes(handle: FileHandle, position: number, length: number): Promise<Buffer> {
    return readAt(handle, position, Math.min(length, this.size - position));
  }

  /** Its published records; none if it has been removed. */
  async records(): Promise<readonly OutboxRecord[]> {
    const bytes = await readFile(this.path).catch((error: unknown) => {
      if (hasErrno(error, "ENOENT")) return Buffer.alloc(0);
      throw error;
    });
    return scanSegment(bytes.subarray(0, this.size)).records.filter(({ sequence }) => sequence < this.next);
  }
}
