import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { canTouch, type CallOptions, type StorageDriver, type Touching } from "../../contract/driver.js";
import { StorageError } from "../../errors.js";
import { condemnedNames } from "../../layout/condemned.js";
import { isRemoval, revisionDirectory, revisionLink, revisionRemoval } from "../../layout/paths.js";
import type { Digest } from "../../model/digest.js";
import type { RepositoryName } from "../../model/repository-name.js";
import { allEnded } from "../shared/concurrent.js";
import { hasLink, orUndefined } from "../shared/links.js";

/** How many times pushes may end a removal before it gives up. */
const ATTEMPTS = 10;

/** Over object storage a removal doesn't remove the link after this time (ms). */
const REMOVAL_TIME = 10_000;

/** After this time a push assumes that an announced removal has died (ms): later than any may remove. */
const ANNOUNCED_TIME = REMOVAL_TIME + 5000;

/** Between two looks at an announcement (ms). */
const LOOK_AGAIN = 100;

const EMPTY = new Uint8Array(0);

/**
 * Removals of revisions that an immutable tag may come to point to (docs/protocols/tags.md §Immutable tags): a removal announces
 * itself before it looks for such a tag, and a push ends what was announced before it relies on the revision.
 */
export interface GuardedRemovals {
  /** Removes the link of `digest` unless `check` throws, which is called after every push that could be lost. */
  remove(digest: Digest, check: () => Promise<void>, options?: CallOptions): Promise<void>;
  /** Ends the removals of `digest` that may have looked before an immutable tag was set. The link may be gone afterwards. */
  end(digest: Digest, options?: CallOptions): Promise<void>;
}

/** Guarded removals of the repository `name`, by what the storage can do. */
export function guardedRemovals(name: RepositoryName, driver: StorageDriver): GuardedRemovals {
  return canTouch(driver) ? overFiles(name, driver) : overObjects(name, driver);
}

/** Over real files a push ends a removal by removing the directory into which the removal would move the link. */
function overFiles(name: RepositoryName, driver: StorageDriver & Touching): GuardedRemovals {
  return {
    async remove(digest, check, options) {
      for (let tries = 0; tries < ATTEMPTS; tries += 1) {
        const place = revisionRemoval(name, digest, randomUUID());
        try {
          await driver.write(`${place}/mark`, EMPTY, { ...options, durable: false });
          await check();
          // Under another name, because Distribution takes every file called `link` below revisions for one.
          const moved = driver.moveInto(revisionLink(name, digest), `${place}/taken`, options).then(() => true);
          if ((await orUndefined(moved)) === true) return;
          if (await hasLink(driver, revisionLink(name, digest), digest, options)) continue;
          const left = await entriesIn(name, digest, driver, options);
          const hidden = condemnedNames(
            left.map(({ entry }) => entry),
            "link",
          );
          // Otherwise a collector has hidden it, and puts it back if it is needed.
          if (hidden.length === 0) return;
          break;
        } finally {
          await orUndefined(driver.delete(place));
          await driver.prune(revisionDirectory(name, digest));
        }
      }
      throw new StorageError({ code: "MANIFEST_CONTENDED", name, digest });
    },
    async end(digest, options) {
      const announced = await announcedIn(name, digest, driver, options);
      await allEnded(announced.map((path) => orUndefined(driver.delete(path, options))));
    },
  };
}

/** Over object storage a push waits for a removal: it is over within ten seconds. */
function overObjects(name: RepositoryName, driver: StorageDriver): GuardedRemovals {
  return {
    async remove(digest, check, options) {
      const announcement = revisionRemoval(name, digest, randomUUID());
      const deadline = performance.now() + REMOVAL_TIME;
      // What is there already, such as leases: what a push adds later stays.
      const beside = (await entriesIn(name, digest, driver, options)).filter(
        ({ entry }) => entry !== "link" && !isRemoval(entry),
      );
      await driver.write(announcement, EMPTY, options);
      try {
        await check();
        const left = Math.floor(deadline - performance.now());
        if (left <= 0) throw new StorageError({ code: "MANIFEST_CONTENDED", name, digest });
        // Without the client's signal, so that the time is the only limit.
        await driver.delete(revisionLink(name, digest), { fileOnly: true, signal: AbortSignal.timeout(left) });
        await allEnded(beside.map(({ path }) => orUndefined(driver.delete(path, options))));
      } finally {
        await orUndefined(driver.delete(announcement, { fileOnly: true }));
      }
    },
    async end(digest, options) {
      const deadline = performance.now() + ANNOUNCED_TIME;
      const seen = await announcedIn(name, digest, driver, options);
      // Those that are announced later look at the tag later.
      for (let left = seen; left.length > 0;) {
        if (performance.now() >= deadline) {
          await allEnded(left.map((path) => orUndefined(driver.delete(path, { ...options, fileOnly: true }))));
          return;
        }
        await sleep(LOOK_AGAIN, undefined, { signal: options?.signal });
        const now = new Set(await announcedIn(name, digest, driver, options));
        left = seen.filter((path) => now.has(path));
      }
    },
  };
}

async function announcedIn(
  name: RepositoryName,
  digest: Digest,
  driver: StorageDriver,
  options?: CallOptions,
): Promise<readonly string[]> {
  const entries = await entriesIn(name, digest, driver, options);
  return entries.filter(({ entry }) => isRemoval(entry)).map(({ path }) => path);
}

async function entriesIn(
  name: RepositoryName,
  digest: Digest,
  driver: StorageDriver,
  options?: CallOptions,
): Promise<readonly { readonly entry: string; readonly path: string }[]> {
  const directory = revisionDirectory(name, digest);
  const page = await orUndefined(driver.list(directory, options));
  return page?.names.map((entry) => ({ entry, path: `${directory}/${entry}` })) ?? [];
}
