/** One entry with its place. */
export interface OutboxRecord {
  /** Ascending by one from record to record; greater than those of all earlier ones, also after a crash. */
  readonly sequence: number;
  readonly payload: Buffer;
}

/** Reads records from a position on. */
export interface OutboxReader {
  /** The next record; undefined if there is none yet. One call at a time. */
  next(): Promise<OutboxRecord | undefined>;
  close(): Promise<void>;
}

/**
 * Called with records that are dropped because the outbox is full, before they are removed. Nothing is added until it resolves.
 * @param next the sequence of the first record that is kept
 */
export type Evict = (records: readonly OutboxRecord[], next: number) => Promise<void>;

/** A bounded queue with several readers, each at its own pace. */
export interface Outbox {
  /** The sequence that the next record will have. */
  readonly next: number;
  /** Its size in bytes. */
  readonly bytes: number;
  /**
   * Adds records, in order. With `durable` it resolves once no crash can lose them, otherwise once readers see them. Rejects if
   * they can't be stored; then none of them is.
   */
  append(payloads: readonly Buffer[], durable: boolean): Promise<void>;
  /** Reads from the record `sequence` on, or from the first that remains. */
  reader(sequence: number): OutboxReader;
  /** Records before `sequence` are no longer needed. */
  trim(sequence: number): Promise<void>;
  /** Calls `listener` after records were added. Returns a function that stops this. */
  onAppend(listener: () => void): () => void;
  /** Waits until pending additions are done. Idempotent. */
  close(): Promise<void>;
}
