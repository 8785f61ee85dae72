import type { CallOptions, StorageDriver } from "../contract/driver.js";
import { isObjectStorage } from "../contract/object-storage.js";
import { isStorageError } from "../errors.js";
import { REPOSITORIES_DIRECTORY, ROOT } from "../layout/paths.js";
import { orUndefined } from "./links.js";
import { readStartedAt } from "./upload-started.js";

export interface PurgeOptions {
  /** Sessions opened before this are removed. */
  readonly olderThan: Date;
  /** Counts without removing. */
  readonly dryRun?: boolean;
}

/** What a purge did, or would have done. */
export interface PurgeResult {
  readonly deleted: number;
  /** Writes to object storage that nobody finished, and whose parts it kept. */
  readonly aborted: number;
  /** Sessions that could not be looked at or removed. */
  readonly errors: number;
}

/** Names that are in memory at a time. */
const PAGE = 1000;

/**
 * Removes upload sessions that nobody finished (contract §5). One without a readable `startedat`, which the original keeps
 * for ever, is as old as the newest thing in it. One that a request is adding to stays, however old; on object storage, where
 * that can't be seen, one that has got bytes since. Then it ends unfinished writes, also those of blobs. Rejects only when
 * `signal` aborts or the repositories can't be listed at all.
 */
export async function purgeUploads(
  driver: StorageDriver,
  { olderThan, dryRun = false }: PurgeOptions,
  signal?: AbortSignal,
): Promise<PurgeResult> {
  const call: CallOptions = { signal };
  let deleted = 0;
  let errors = 0;
  for await (const session of sessionsBelow(driver, REPOSITORIES_DIRECTORY, call)) {
    try {
      if (!(await isStale(driver, session, olderThan, call))) continue;
      if (!dryRun) await orUndefined(driver.delete(session, call));
      deleted += 1;
    } catch (error) {
      if (!isStorageError(error)) throw error;
      errors += 1;
    }
  }
  try {
    const { aborted } = await abortUnfinished(driver, olderThan, { ...call, dryRun });
    return { deleted, aborted, errors };
  } catch (error) {
    if (!isStorageError(error)) throw error;
    return { deleted, aborted: 0, errors: errors + 1 };
  }
}

async function abortUnfinished(
  driver: StorageDriver,
  olderThan: Date,
  options: CallOptions & { readonly dryRun: boolean },
): Promise<{ readonly aborted: number }> {
  return isObjectStorage(driver) ? driver.abortUnfinished(ROOT, olderThan, options) : { aborted: 0 };
}

/** The directories of all sessions of all repositories below `directory`. */
async function* sessionsBelow(driver: StorageDriver, directory: string, call: CallOptions): AsyncGenerator<string> {
  for await (const name of namesIn(driver, directory, call)) {
    const path = `${directory}/${name}`;
    if (name === "_uploads") for await (const uuid of namesIn(driver, path, call)) yield `${path}/${uuid}`;
    else if (!name.startsWith("_")) yield* sessionsBelow(driver, path, call);
  }
}

/** All names in `directory`, a page at a time; none where there is no directory. */
async function* namesIn(driver: StorageDriver, directory: string, call: CallOptions): AsyncGenerator<string> {
  let startAfter: string | undefined;
  for (;;) {
    const page = await orUndefined(driver.list(directory, { ...call, startAfter, limit: PAGE }));
    if (page === undefined) return;
    yield* page.names;
    startAfter = page.names.at(-1);
    if (!page.more || startAfter === undefined) return;
  }
}

async function isStale(driver: StorageDriver, session: string, olderThan: Date, call: CallOptions): Promise<boolean> {
  const page = await orUndefined(driver.list(session, call));
  if (page === undefined) return false;
  const modified = async (names: readonly string[]): Promise<number> => {
    const infos = await Promise.all(names.map((name) => orUndefined(driver.stat(`${session}/${name}`, call))));
    return Math.max(-Infinity, ...infos.map((info) => info?.modified.getTime() ?? -Infinity));
  };
  const limit = olderThan.getTime();
  const claims = page.names.filter((name) => /^(?:data|copy|segment)\./.test(name));
  if ((await modified(claims)) >= limit) return false;
  const started = await orUndefined(readStartedAt(driver, `${session}/startedat`, call));
  if (started !== undefined) return started.getTime() < limit;
  const own = await orUndefined(driver.stat(session, call));
  return Math.max(await modified(page.names), own?.modified.getTime() ?? -Infinity) < limit;
}
