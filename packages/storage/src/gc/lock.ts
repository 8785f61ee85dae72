import { MINUTE } from "@longshore/base/duration";
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { CallOptions, StorageDriver } from "../contract/driver.js";
import type { ObjectStorage, VersionedFile } from "../contract/object-storage.js";
import { isStorageError } from "../errors.js";
import { COLLECTOR_LOCK } from "../layout/collector-files.js";
import { parseCollectorLock, writeCollectorLock, type CollectorLock } from "../layout/collector-lock.js";
import { orUndefined } from "../store/shared/links.js";
import { storageTime } from "./clock.js";

/** How long a lock is valid after its last heartbeat, by the storage's clock (ms). */
const GOOD_FOR = 5 * MINUTE;
/** The interval of heartbeats (ms). */
const BEAT = 30_000;
/** The holder stops after this time without a heartbeat (ms), well before another process may take over. */
const STALE = 3 * MINUTE;

/** Another collection works over the same storage. */
export class LockHeldError extends Error {
  override readonly name = "LockHeldError";

  constructor(owner: string, until: Date) {
    const time = until.toISOString();
    super(`${owner} collects over this storage; its lock is good until ${time}, and is renewed while it works`);
  }
}

/** Ensures that only one collector at a time works over an object storage. */
export interface HeldLock {
  /** This run's name. */
  readonly run: string;
  /** Throws if the lock is lost, or couldn't be renewed for too long. */
  check(): void;
  /** Releases the lock; with `keep` it is left to expire, because files are still hidden. */
  release(keep: boolean): Promise<void>;
}

/**
 * Takes the lock, and waits for `wait` ms, until no process assumes any more that there is no collector. Takes over the lock of a
 * dead process. Throws LockHeldError.
 */
export async function takeLock(
  driver: StorageDriver & ObjectStorage,
  wait: number,
  signal?: AbortSignal,
): Promise<HeldLock> {
  const call: CallOptions = { signal };
  const run = randomUUID();
  const now = await storageTime(driver, call);
  const old = await readLock(driver, call);
  if (old !== undefined) {
    const until = await goodUntil(driver, call);
    if (until.getTime() > now) throw new LockHeldError(old.lock.owner, until);
  }
  const lock: CollectorLock = {
    run,
    owner: `process ${process.pid} on ${hostname()}`,
    runs: [run, ...(old?.lock.runs ?? [])],
    beat: 0,
  };
  const { written } = await driver.writeVersioned(COLLECTOR_LOCK, writeCollectorLock(lock), old?.version, call);
  if (!written) throw await heldByOther(driver, call);
  try {
    await sleep(wait, undefined, { signal });
  } catch (error) {
    // If a dead run has left files hidden, other processes must still see its lock.
    if (old === undefined) await orGiveUp(removeOwn(driver, run));
    throw error;
  }
  // Without conditional writes, the last one of several that wrote has the lock.
  if ((await readLock(driver, call))?.lock.run !== run) throw await heldByOther(driver, call);
  return hold(driver, lock);
}

/** Keeps the lock alive. */
function hold(driver: StorageDriver & ObjectStorage, taken: CollectorLock): HeldLock {
  let lock = taken;
  let beaten = performance.now();
  let lost: Error | undefined;
  let beating: Promise<void> = Promise.resolve();

  const beat = async (): Promise<void> => {
    const began = performance.now();
    const found = await readLock(driver);
    const next = { ...lock, beat: lock.beat + 1 };
    const isOurs = found?.lock.run === lock.run;
    const written =
      isOurs && (await driver.writeVersioned(COLLECTOR_LOCK, writeCollectorLock(next), found.version)).written;
    if (!written) {
      lost = new Error("another process took or removed the lock of collections; what was removed by then was unused");
      return;
    }
    lock = next;
    beaten = began;
  };
  const timer = setInterval(() => {
    beating = beating.then(beat).catch((error: unknown) => {
      // The next beat may succeed; `check` says when it has been too long.
      if (!isStorageError(error)) lost = error instanceof Error ? error : new Error("the lock can't be renewed");
    });
  }, BEAT);
  timer.unref();

  return {
    run: taken.run,
    check: () => {
      if (lost !== undefined) throw lost;
      if (performance.now() - beaten > STALE) throw new Error("the lock of collections couldn't be renewed in time");
    },
    release: async (keep) => {
      clearInterval(timer);
      await beating;
      if (keep || lost !== undefined) return;
      await orGiveUp(removeOwn(driver, taken.run));
    },
  };
}

async function removeOwn(driver: StorageDriver & ObjectStorage, run: string): Promise<void> {
  if ((await readLock(driver))?.lock.run === run) await driver.delete(COLLECTOR_LOCK, { fileOnly: true });
}

/** A lock that can't be removed expires. */
async function orGiveUp(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isStorageError(error)) throw error;
  }
}

async function readLock(
  driver: StorageDriver & ObjectStorage,
  call?: CallOptions,
): Promise<{ readonly lock: CollectorLock; readonly version: string } | undefined> {
  const file: VersionedFile | undefined = await orUndefined(driver.readVersioned(COLLECTOR_LOCK, call));
  return file === undefined ? undefined : { lock: parseCollectorLock(file.bytes), version: file.version };
}

async function goodUntil(driver: StorageDriver, call: CallOptions): Promise<Date> {
  const info = await orUndefined(driver.stat(COLLECTOR_LOCK, { ...call, fileOnly: true }));
  return new Date((info?.modified.getTime() ?? -GOOD_FOR) + GOOD_FOR);
}

async function heldByOther(driver: StorageDriver & ObjectStorage, call: CallOptions): Promise<LockHeldError> {
  const other = await readLock(driver, call);
  return new LockHeldError(other?.lock.owner ?? "another collection", await goodUntil(driver, call));
}
