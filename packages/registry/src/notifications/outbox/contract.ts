/** One entry with its place. */
export interface OutboxRecord {
  /** Ascending by one from record to record; greater than those of all earlier ones, also after a crash. */
  readonly sequence: number;
  readonly payload: Buffer;
}

/** Reads on from one place. */
export interface OutboxReader {
  /** The next record that is there; undefined: none yet. One call at a time. */
  next(): Promise<OutboxRecord | undefined>;
  close(): Promise<void>;
}

/**
 * Told of records that are given up since the outbox is full, before they are gone. Nothing is added until it resolves.
 * @param next the sequence of the first record that stays
 */
export type Evict = (records: readonly OutboxRecord[], next: number) => Promise<void>;

/** A bounded queue that many read at their own pace. */
export interface Outbox {
  /** The sequence that the next record will have. */
  readonly next: number;
  /** What it takes, in bytes. */
  readonly bytes: number;
  /**
   * Adds records, in order. With `durable` it resolves when no crash can take them; otherwise when readers see them.
   * Rejects where they can't be stored; then none of them is there.
   */
  append(payloads: readonly Buffer[], durable: boolean): Promise<void>;
  /** Reads from the record `sequence` on, or the first that is left. */
  reader(sequence: number): OutboxReader;
  /** Nobody will ask for records before `sequence` any more. */
  trim(sequence: number): Promise<void>;
  /** Calls `listener` after records were added. Returns what ends that. */
  onAppend(listener: () => void): () => void;
  /** Waits for what is being added. Idempotent. */
  close(): Promise<void>;
}
