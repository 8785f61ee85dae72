import { HOUR } from "@longshore/base/duration";
import type { CallOptions, StorageDriver } from "../../contract/driver.js";
import { isObjectStorage } from "../../contract/object-storage.js";
import { isStorageError } from "../../errors.js";
import { REPOSITORIES_DIRECTORY, ROOT } from "../../layout/paths.js";
import { orUndefined } from "../shared/links.js";
import { readStartedAt } from "./started.js";
import { repositoryLink } from "../shared/symbolic-links.js";

export interface PurgeOptions {
  /** Sessions that were started before this are removed. */
  readonly olderThan: Date;
  /** Only counts. */
  readonly dryRun?: boolean;
}

/** What a purge did, or would have done in a dry run. */
export interface PurgeResult {
  readonly deleted: number;
  /** Unfinished writes to object storage, whose parts the storage would keep. */
  readonly aborted: number;
  /** Sessions that couldn't be checked or removed. */
  readonly errors: number;
}

/** A session without `startedat` that changed within this time may still be about to get one (ms). */
const BEING_STARTED = HOUR;

/** How many names are held in memory at a time. */
const PAGE = 1000;

/**
 * Removes unfinished upload sessions (wire contract §5). A session without `startedat` can't be resumed and is removed once it
 * is an hour old; one whose `startedat` is unreadable is as old as its newest file. A session that a request is adding to is
 * kept, however old it is; in object storage, where that can't be seen, one that has received bytes since. Then it aborts
 * unfinished writes, including those of blobs. Rejects only if `signal` aborts or the repositories can't be listed at all.
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
    if (name.startsWith("_") && name !== "_uploads") continue;
    // The target of a link is either walked under its own name, or not ours to delete.
    if ((await repositoryLink(driver, path, call)) !== undefined) continue;
    if (name === "_uploads") for await (const uuid of namesIn(driver, path, call)) yield `${path}/${uuid}`;
    else yield* sessionsBelow(driver, path, call);
  }
}

/** All names in `directory`, read page by page; none if it doesn't exist. */
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
  if (!page.names.includes("startedat")) {
    const own = await orUndefined(driver.stat(session, call));
    const changed = Math.max(await modified(page.names), own?.modified.getTime() ?? -Infinity);
    return changed < Math.max(limit, Date.now() - BEING_STARTED);
  }
  const claims = page.names.filter((name) => /^(?:data|copy|segment)\./.test(name));
  if ((await modified(claims)) >= limit) return false;
  const started = await orUndefined(readStartedAt(driver, `${session}/startedat`, call));
  if (started !== undefined) return started.getTime() < limit;
  const own = await orUndefined(driver.stat(session, call));
  return Math.max(await modified(page.names), own?.modified.getTime() ?? -Infinity) < limit;
}
