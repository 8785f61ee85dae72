import type { RegistryEvent } from "../../src/event-formats/event.js";
import type { Outbox, OutboxRecord } from "../../src/notifications/outbox/contract.js";
import { openFileOutbox, type FileOutboxOptions } from "../../src/notifications/outbox/file-outbox.js";

export function openOutbox(directory: string, options: Partial<FileOutboxOptions> = {}): Promise<Outbox> {
  return openFileOutbox({
    directory,
    maxBytes: 1024 * 1024,
    atLeast: 1,
    evict: () => Promise.resolve(),
    onRepair: () => undefined,
    ...options,
  });
}

/** Everything from `sequence` on. */
export async function readAll(outbox: Outbox, sequence = 0): Promise<OutboxRecord[]> {
  const reader = outbox.reader(sequence);
  const records: OutboxRecord[] = [];
  for (let record = await reader.next(); record !== undefined; record = await reader.next()) records.push(record);
  await reader.close();
  return records;
}

export function textsOf(records: readonly OutboxRecord[]): string[] {
  return records.map(({ payload }) => payload.toString("utf8"));
}

/** A generator of numbers from 0 to 1 that a seed determines (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const DIGEST = `sha256:${"a".repeat(64)}`;

/** A push of a manifest by tag, with what `over` changes. */
export function eventOf(over: Partial<RegistryEvent> = {}): RegistryEvent {
  return {
    id: "320678d8-ca14-430f-8bb6-4ca139cd83f7",
    timestamp: "2026-11-23T02:30:11.5Z",
    action: "push",
    object: "manifest",
    target: {
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      digest: DIGEST,
      size: 708,
      repository: "team/app",
      url: `http://registry.example/v2/team/app/manifests/${DIGEST}`,
      tag: "1.0",
    },
    request: { id: "r-1", addr: "192.0.2.1:50000", host: "registry.example", method: "PUT", useragent: "a<b>" },
    actor: "alice",
    source: { addr: "host:5000", instanceID: "i-1" },
    ...over,
  };
}
