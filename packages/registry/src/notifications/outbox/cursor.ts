import { open, type FileHandle } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { FILE_MODE, readAt, writeAt } from "./files.js";

/** Generation (u64), sequence (u64), CRC-32 of both (u32). */
const SIZE = 20;
/** Two copies, written in turn and a sector apart: a torn write leaves the other. */
const PLACES = [0, 512] as const;

/** The position of one endpoint: the sequence of the record that it gets next. Kept in a file; the latest copy wins. */
export class Cursor {
  readonly #handle: FileHandle;
  #sequence: number;
  #generation: number;
  /** Undefined: not written yet; a later start would then treat the endpoint as new. */
  #written: number | undefined;
  #work: Promise<void> | undefined;

  private constructor(handle: FileHandle, found: { sequence: number; generation: number }) {
    this.#handle = handle;
    this.#sequence = found.sequence;
    this.#written = found.generation === 0 ? undefined : found.sequence;
    this.#generation = found.generation;
  }

  /** The cursor in the file `path`; `isNew`: there was none, and there is none until it is synced. */
  static async open(path: string): Promise<{ cursor: Cursor; isNew: boolean }> {
    const handle = await open(path, "r+").catch(() => open(path, "w+", FILE_MODE));
    const copies = await Promise.all(PLACES.map(async (place) => decode(await readAt(handle, place, SIZE))));
    const found = copies.reduce((best, copy) => (copy.generation > best.generation ? copy : best));
    return { cursor: new Cursor(handle, found), isNew: found.generation === 0 };
  }

  get sequence(): number {
    return this.#sequence;
  }

  /** Moves on, and updates the file soon. A process that is killed before that delivers again. */
  set(sequence: number): void {
    this.#sequence = sequence;
    this.#work ??= this.#write();
  }

  /** Waits until the position in the file would survive a power loss. Rejects if it can't be written. */
  async sync(): Promise<void> {
    await this.#work;
    if (this.#written !== this.#sequence) await this.#writeOnce();
    await this.#handle.datasync();
  }

  async close(): Promise<void> {
    await this.#work;
    await this.#handle.close();
  }

  async #write(): Promise<void> {
    // The disk is full: delivered events are delivered again after a restart, and the next step tries to write again.
    await Promise.resolve();
    while (this.#written !== this.#sequence) if (!(await this.#writeOnce().then(done, failed))) break;
    this.#work = undefined;
  }

  async #writeOnce(): Promise<void> {
    const sequence = this.#sequence;
    this.#generation += 1;
    const place = PLACES[this.#generation % 2 === 0 ? 0 : 1];
    await writeAt(this.#handle, encode(this.#generation, sequence), place);
    this.#written = sequence;
  }
}

const done = (): boolean => true;
const failed = (): boolean => false;

function encode(generation: number, sequence: number): Buffer {
  const bytes = Buffer.alloc(SIZE);
  bytes.writeBigUInt64LE(BigInt(generation), 0);
  bytes.writeBigUInt64LE(BigInt(sequence), 8);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 16)), 16);
  return bytes;
}

function decode(bytes: Buffer): { sequence: number; generation: number } {
  const isSound = bytes.byteLength === SIZE && bytes.readUInt32LE(16) === crc32(bytes.subarray(0, 16));
  if (!isSound) return { sequence: 1, generation: 0 };
  return { generation: Number(bytes.readBigUInt64LE(0)), sequence: Number(bytes.readBigUInt64LE(8)) };
}
