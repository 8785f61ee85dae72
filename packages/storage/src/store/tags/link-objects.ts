import { KIB } from "@longshore/base/size";
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { CallOptions, StorageDriver } from "../../contract/driver.js";
import type { ObjectStorage, VersionedFile } from "../../contract/object-storage.js";
import { isStorageError, StorageError } from "../../errors.js";
import { tagCurrentLink, tagDirectory, tagIndexLink } from "../../layout/paths.js";
import { isDigest, type Digest } from "../../model/digest.js";
import type { RepositoryName } from "../../model/repository-name.js";
import type { TagName } from "../../model/tag.js";
import { allEnded } from "../shared/concurrent.js";
import { orUndefined, writeLink } from "../shared/links.js";
import type { TagLinks } from "./links.js";

/** How many times other writers may interfere before a call gives up. */
const ATTEMPTS = 20;

/** A removal doesn't delete its mark after this time (ms). */
const REMOVAL_TIME = 10_000;

/** After this time a push assumes that the removal behind a mark has died (ms): later than any removal may delete. */
const MARK_TIME = REMOVAL_TIME + 5000;

/** Between two looks at a mark (ms). */
const LOOK_AGAIN = 100;

const MAX_LINK_BYTES = KIB;
const MARK_PREFIX = "sha256:";
const MARK_BYTES = 16;

/** Bytes of a removal's mark: less than any link has. */
export const MARK_SIZE = MARK_PREFIX.length + 2 * MARK_BYTES;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A truncated link, which no reader, Distribution included, takes for a tag. Each removal has its own. */
const newMark = (): string => MARK_PREFIX + randomBytes(MARK_BYTES).toString("hex");

interface Found {
  readonly text: string;
  readonly version: string;
  readonly digest: Digest | undefined;
  readonly isMark: boolean;
}

/**
 * Tags over object storage. A removal replaces the link that it looked at with a mark, on condition that it is still the same
 * version: this is the removal. Then it deletes the mark. No other process does that, and pushes wait for it, because a delete
 * can't have a condition.
 */
export function objectTagLinks(name: RepositoryName, driver: StorageDriver & ObjectStorage): TagLinks {
  const read = async (tag: TagName, options?: CallOptions): Promise<Found | undefined> => {
    const file: VersionedFile | undefined = await orUndefined(
      driver.readVersioned(tagCurrentLink(name, tag), { ...options, limit: MAX_LINK_BYTES }),
    );
    if (file === undefined) return undefined;
    const text = decoder.decode(file.bytes);
    const digest = isDigest(text) ? text : undefined;
    return { text, version: file.version, digest, isMark: text.length === MARK_SIZE && text.startsWith(MARK_PREFIX) };
  };

  const write = async (
    tag: TagName,
    text: string,
    version: string | undefined,
    options?: CallOptions,
  ): Promise<boolean> =>
    (await driver.writeVersioned(tagCurrentLink(name, tag), encoder.encode(text), version, options)).written;

  /** Waits until the mark is gone, and returns what is there then: the same mark, if its removal has died. */
  const afterMark = async (tag: TagName, mark: Found, options?: CallOptions): Promise<Found | undefined> => {
    const deadline = performance.now() + MARK_TIME;
    for (;;) {
      await sleep(LOOK_AGAIN, undefined, { signal: options?.signal });
      const found = await read(tag, options);
      if (found?.text !== mark.text || performance.now() >= deadline) return found;
    }
  };

  const set: TagLinks["set"] = async (tag, digest, options) => {
    for (let tries = 0; tries < ATTEMPTS; tries += 1) {
      const before = await read(tag, options);
      const found = before?.isMark === true ? await afterMark(tag, before, options) : before;
      if (found?.digest === digest) return;
      if (found?.isMark === true && found.text !== before?.text) continue;
      const index = writeLink(driver, tagIndexLink(name, tag, digest), digest, options);
      const current = write(tag, digest, found?.version, options);
      await allEnded([index, current]);
      if (await current) return;
      // A digest that wasn't there before was pushed between the read and the write; that push counts as the later one. The same
      // digest, or any after a mark, may be one that a removal has put back, which no push is behind.
      const now = (await read(tag, options))?.digest;
      if (now !== undefined && now !== found?.digest && found?.isMark !== true) return;
    }
    throw contended(tag);
  };

  const create: TagLinks["create"] = async (tag, digest, options) => {
    for (let tries = 0; tries < ATTEMPTS; tries += 1) {
      const before = await read(tag, options);
      const found = before?.isMark === true ? await afterMark(tag, before, options) : before;
      if (found?.digest !== undefined) return found.digest;
      if (found?.isMark === true && found.text !== before?.text) continue;
      if (!(await write(tag, digest, found?.version, options))) continue;
      await writeLink(driver, tagIndexLink(name, tag, digest), digest, options);
      // Storage without conditional writes refuses nothing; then the last one of several that wrote has the tag.
      const now = await read(tag, options);
      if (now?.digest !== undefined) return now.digest;
    }
    throw contended(tag);
  };

  /** Deletes the marked link and the history. Without the client's signal, so that it isn't left half done. */
  const finish = async (tag: TagName, mark: string, deadline: number): Promise<void> => {
    const signal = AbortSignal.timeout(Math.max(Math.floor(deadline - performance.now()), 1));
    try {
      // Without conditional writes, a push may have replaced the mark.
      if ((await read(tag, { signal }))?.text !== mark) return;
      await orUndefined(driver.delete(tagDirectory(name, tag), { signal }));
    } catch (error) {
      // The tag is removed anyway: the mark isn't a link, and the next push replaces it.
      if (!signal.aborted || isStorageError(error)) throw error;
    }
  };

  const removeIf = async (
    tag: TagName,
    isDue: (found: Found) => Promise<boolean>,
    options?: CallOptions,
  ): Promise<boolean> => {
    for (let tries = 0; tries < ATTEMPTS; tries += 1) {
      const found = await read(tag, options);
      if (found === undefined || found.isMark || !(await isDue(found))) return false;
      const mark = newMark();
      const deadline = performance.now() + REMOVAL_TIME;
      if (!(await write(tag, mark, found.version, options))) continue;
      // The same link may have been pushed again, which the condition can't detect: then its manifest exists again.
      if (!(await isDue(found))) {
        const marked = await read(tag);
        if (marked?.text === mark) await write(tag, found.text, marked.version);
        return false;
      }
      await finish(tag, mark, deadline);
      return true;
    }
    throw contended(tag);
  };

  const contended = (tag: TagName): StorageError => new StorageError({ code: "TAG_CONTENDED", name, tag });

  return {
    set,
    create,
    // The conditional write has already ensured it.
    settle: () => Promise.resolve(true),
    remove: (tag, options) => removeIf(tag, () => Promise.resolve(true), options),
    removeFrom: (tag, digest, isDue, options) =>
      removeIf(tag, async (found) => found.digest === digest && (await isDue()), options),
  };
}
