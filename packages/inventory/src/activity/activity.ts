import { DAY, HOUR, MINUTE } from "@longshore/base/duration";
import { orUndefined, type Digest, type RepositoryName, type StorageDriver, type TagName } from "@longshore/storage";
import type { ActivityRecorder } from "../contract.js";
import { batched } from "@longshore/base/batched";
import { ACTIVITY_FOLDER } from "../layout.js";
import { decodeUses, encodeUses, largestFile, MAX_ACCOUNT } from "./activity-file.js";
import { beginRecording, denyRecording, readPullsSince } from "./recording.js";
import { mergeUses, type Use } from "./use.js";
import { UseTable } from "./use-table.js";

/** Options of {@link openActivity}. */
export interface ActivityOptions {
  /** A word that no other process has, of letters, digits and `-`. */
  readonly processId: string;
  /** How often what was recorded is written down (ms). */
  readonly interval: number;
  /** How many tags and manifests are remembered. */
  readonly maxItems: number;
  /**
   * Whether this process records what it serves. A command serves nothing. One that serves and doesn't record makes it unknown what was
   * pulled; where it may not write, others don't learn of that.
   */
  readonly role: "records" | "denies" | "reads";
  /** Called when writing or reading fails for the first time, and again once it has worked in between. */
  readonly onTrouble: (error: unknown) => void;
  /** ms since 1970. */
  readonly now?: (() => number) | undefined;
}

/** What is known of the uses of a repository, by tag and digest. */
export type UseOf = (item: TagName | Digest) => Use | undefined;

/** Who pushed and pulled, recorded by this process and as the others wrote it down. */
export interface ActivityLog extends ActivityRecorder {
  /** Tells other processes if this one doesn't record what it serves. Never throws. */
  begin(): Promise<void>;
  /** Begins by reading what other processes have written. Never throws: what can't be read isn't known. */
  read(): Promise<void>;
  /** Since when each pull is known (ms since 1970), as it was last read; undefined: some may not be. */
  pullsSince(): number | undefined;
  /** As it was last read, and what this process recorded. */
  of(name: RepositoryName): UseOf;
  /** When the repository was last pulled from (ms since 1970, the hour). */
  lastPull(name: RepositoryName): number | undefined;
  /** Writes what isn't written yet, and says once more what `begin` said. */
  close(): Promise<void>;
}

/** What others have written is read again after this time (ms). */
const READ_AGAIN = MINUTE;

/**
 * The activity over the storage `driver` (docs/protocols/inventory.md §Activity). Each process writes a file for each day; a
 * reader merges them all, and what nobody has written for a day is folded into one file.
 */
export function openActivity(driver: StorageDriver, options: ActivityOptions): ActivityLog {
  const { processId, interval, maxItems, role, now = Date.now } = options;
  const limit = largestFile(maxItems);
  /** What this process recorded since `day` began. */
  let own = new UseTable(maxItems);
  let day = dayOf(now());
  const others = new UseTable(maxItems);
  /** When the files that were read had been changed (ms since 1970). */
  let known = new Map<string, number>();
  let readAt = -Infinity;
  let recordedSince: number | undefined;
  let changes = 0;
  let written = 0;
  let isFolded = false;
  let folds = 0;
  let timer: NodeJS.Timeout | undefined;
  let isTroubled = false;

  const attempt = async (work: () => Promise<void>): Promise<boolean> => {
    try {
      await work();
      isTroubled = false;
      return true;
    } catch (error) {
      if (!isTroubled) options.onTrouble(error);
      isTroubled = true;
      return false;
    }
  };

  const ownFile = (): string => `${processId}-${day}`;

  /** The files of the folder, with the times of their last changes. */
  const list = async (): Promise<Map<string, number>> => {
    const files = new Map<string, number>();
    for (const name of (await orUndefined(driver.list(ACTIVITY_FOLDER)))?.names ?? []) {
      const info = await orUndefined(driver.stat(`${ACTIVITY_FOLDER}/${name}`, { fileOnly: true }));
      if (info !== undefined && name !== ownFile()) files.set(name, info.modified.getTime());
    }
    return files;
  };

  const readInto = async (table: UseTable, name: string): Promise<void> => {
    const bytes = await orUndefined(driver.read(`${ACTIVITY_FOLDER}/${name}`, { limit }));
    if (bytes !== undefined) await decodeUses(bytes, table);
  };

  /** Nothing is lost on the way: what is deleted is in a file that was written before, under a name that is never used again. */
  const fold = async (): Promise<void> => {
    const old = [...(await list())].filter(([, modified]) => now() - modified >= DAY).map(([name]) => name);
    if (old.length < 2) return;
    const table = new UseTable(maxItems);
    for (const name of old) await readInto(table, name);
    folds += 1;
    await driver.write(`${ACTIVITY_FOLDER}/${processId}-past-${folds}`, await encodeUses(table));
    for (const name of old) await orUndefined(driver.delete(`${ACTIVITY_FOLDER}/${name}`, { fileOnly: true }));
  };

  const write = async (): Promise<void> => {
    const upTo = changes;
    const isWritten = await attempt(async () => {
      // Each time: one that denied it may have ended.
      if (role === "records") await beginRecording(driver, now());
      await driver.write(`${ACTIVITY_FOLDER}/${ownFile()}`, await encodeUses(own), { durable: false });
    });
    if (!isWritten) {
      schedule();
      return;
    }
    written = upTo;
    const today = dayOf(now());
    if (day !== today && changes === upTo) {
      for (const entry of own.entries()) others.add(...entry);
      others.forgetUntil(own.forgottenUntil);
      own = new UseTable(maxItems);
      day = today;
      isFolded = false;
    }
    if (!isFolded) isFolded = await attempt(fold);
  };

  const deny = async (): Promise<void> => {
    if (role === "denies") await attempt(() => denyRecording(driver));
  };

  const flush = batched(async (): Promise<void> => {
    if (changes !== written) await write();
  });

  const schedule = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      void flush();
    }, interval).unref();
  };

  const pulled = (name: RepositoryName, item: TagName | Digest, hour: number): void => {
    if (own.get(name, item)?.pulled === hour) return;
    own.add(name, item, { pulled: hour });
    changes += 1;
    schedule();
  };

  return {
    begin: deny,

    recordPull(name, digest, tag) {
      const hour = now() - (now() % HOUR);
      pulled(name, digest, hour);
      if (tag !== undefined) pulled(name, tag, hour);
    },

    recordPush(name, digest, tags, account = "") {
      const push = { at: now(), account: account === "" ? undefined : account.slice(0, MAX_ACCOUNT), digest };
      for (const item of [digest, ...tags]) own.add(name, item, { push });
      changes += 1;
      schedule();
    },

    read: batched(async () => {
      if (now() - readAt < READ_AGAIN) return;
      await attempt(async () => {
        const files = await list();
        for (const [name, modified] of files) if (known.get(name) !== modified) await readInto(others, name);
        known = files;
        recordedSince = await readPullsSince(driver);
      });
      readAt = now();
    }),

    pullsSince() {
      const forgotten = Math.max(own.forgottenUntil, others.forgottenUntil);
      // Of what is forgotten the hour was known.
      return recordedSince && Math.max(recordedSince, forgotten === 0 ? 0 : forgotten + HOUR);
    },

    of: (name) => (item) => mergeUses(own.get(name, item), others.get(name, item)),

    lastPull(name) {
      let last = 0;
      for (const table of [own, others]) {
        for (const { pulled: hour = 0 } of table.of(name).values()) last = Math.max(last, hour);
      }
      return last === 0 ? undefined : last;
    },

    async close() {
      clearTimeout(timer);
      await flush();
      clearTimeout(timer);
      // Others may have said meanwhile that all pulls are recorded.
      await deny();
    },
  };
}

/** The number of the day since 1970. */
const dayOf = (time: number): number => Math.floor(time / DAY);
