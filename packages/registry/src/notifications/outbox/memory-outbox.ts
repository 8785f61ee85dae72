import type { Evict, Outbox, OutboxReader, OutboxRecord } from "./contract.js";
import { frameSize } from "./frame.js";

export interface MemoryOutboxOptions {
  readonly maxBytes: number;
  readonly evict: Evict;
}

/** An outbox that ends with the process, as Distribution's queue does, but with a bound. */
export function openMemoryOutbox({ maxBytes, evict }: MemoryOutboxOptions): Outbox {
  const records: OutboxRecord[] = [];
  const listeners = new Set<() => void>();
  let next = 1;
  let bytes = 0;

  const drop = (count: number): void => {
    for (const { payload } of records.splice(0, count)) bytes -= frameSize(payload);
  };
  /** At least a sixteenth at a time, since every endpoint has to check each time. */
  const makeRoom = async (): Promise<void> => {
    if (bytes <= maxBytes) return;
    let count = 0;
    for (let left = bytes; left > maxBytes - maxBytes / 16 && count < records.length; count += 1) {
      const record = records[count];
      if (record !== undefined) left -= frameSize(record.payload);
    }
    await evict(records.slice(0, count), records[count]?.sequence ?? next);
    drop(count);
  };
  let work = Promise.resolve();

  return {
    get next() {
      return next;
    },
    get bytes() {
      return bytes;
    },
    append(payloads) {
      for (const payload of payloads) {
        records.push({ sequence: next, payload });
        bytes += frameSize(payload);
        next += 1;
      }
      for (const listener of listeners) listener();
      work = work.then(makeRoom);
      return work;
    },
    reader(from): OutboxReader {
      let sequence = from;
      return {
        next: () => {
          const first = records[0]?.sequence ?? next;
          const record = records[Math.max(sequence - first, 0)];
          if (record !== undefined) sequence = record.sequence + 1;
          return Promise.resolve(record);
        },
        close: () => Promise.resolve(),
      };
    },
    trim(sequence) {
      const first = records[0]?.sequence ?? next;
      drop(Math.max(Math.min(sequence - first, records.length), 0));
      return Promise.resolve();
    },
    onAppend(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => work,
  };
}
