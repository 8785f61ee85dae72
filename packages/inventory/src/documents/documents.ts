import { MINUTE } from "@longshore/base/duration";
import type { BoardReader } from "../board/reader.js";
import { abortable } from "@longshore/base/abort";
import type { CallOptions, Digest, RepositoryName, Survey, TagName } from "@longshore/storage";
import { LRUCache } from "lru-cache";
import { batched } from "@longshore/base/batched";
import { isKept, type KeptFacts } from "../kept-facts/kept-facts.js";
import { RepositoryDocument } from "./document.js";
import type { ManifestFacts } from "./facts.js";
import { parseChange, type ChangeNote } from "./notes.js";
import { shareFacts } from "./shared-facts.js";
import { readAll, readItems, type OnProgress } from "./read-document.js";

/** What repositories contain, as this process has read it. */
export interface Documents {
  /** What the repository contains, every acknowledged change included. */
  get(name: RepositoryName, options?: GetOptions): Promise<RepositoryDocument>;
  /** Learns what was changed. Called by `get`. */
  readNews(): Promise<void>;
}

/** Options of {@link Documents.get}. */
interface GetOptions extends CallOptions {
  /** Whose links are read again in any case. */
  readonly tags?: readonly TagName[];
  /** Called while all its links are read, with how many manifests were, of so many. */
  readonly onProgress?: OnProgress;
}

export interface DocumentsOptions {
  /** Bytes that the documents may take, about; the one that was asked for last is kept, however large it is. */
  readonly maxBytes: number;
  /** Called with each change that was posted; undefined: anything may have changed. */
  readonly onNews: (note: ChangeNote | undefined) => void;
  /** ms, monotonic. */
  readonly clock: () => number;
}

/** Facts are written down when so many were read that weren't, or that share of those that there are. */
const UNWRITTEN = { count: 1000, share: 1 / 8 };
/** Facts that are known and not needed any more are removed when there are more of them, and more than are needed. */
const MAX_UNNEEDED = 8;
/** After this time (ms) a document is read again when it is asked for, for what other programs have changed. */
export const READ_AGAIN = 5 * MINUTE;

const NOTHING_KNOWN: ReadonlyMap<Digest, ManifestFacts> = new Map();

interface Entry {
  readonly document: RepositoryDocument;
  /** What may have changed since it was read. */
  changed: Set<TagName | Digest> | "all";
  /** How many callers wait for it. */
  users: number;
  /** Those of them that want to know how far it is. */
  readonly watchers: Set<OnProgress>;
  /** How many facts were read that may not be written down. */
  unwritten: number;
  readonly update: () => Promise<void>;
}

/**
 * Documents that are read by `survey` when they are asked for, and again as far as `news` says that they have changed. What `kept` knows
 * of manifests isn't read.
 */
export function createDocuments(
  survey: Survey,
  kept: KeptFacts,
  news: BoardReader,
  options: DocumentsOptions,
): Documents {
  const { maxBytes, onNews, clock } = options;
  const entries = new LRUCache<RepositoryName, Entry>({
    maxSize: maxBytes,
    // One that is larger than the bound is kept alone: to read it again for each page would take more than it saves.
    sizeCalculation: ({ document }) => Math.min(document.weight, maxBytes),
  });
  /** Those that are being read: news must reach them, too. */
  const reading = new Map<RepositoryName, Entry>();

  const expectAll = (entry: Entry): void => {
    entry.changed = "all";
  };

  const apply = (note: ChangeNote): void => {
    for (const entry of [...reading.values(), ...entries.values()]) {
      if (entry.document.name !== note.name || entry.changed === "all") continue;
      if (note.items === "all") expectAll(entry);
      else for (const item of note.items) entry.changed.add(item);
    }
    onNews(note);
  };

  const readNews = batched(async (): Promise<void> => {
    const { notes, isComplete } = await news.read();
    if (!isComplete) {
      for (const entry of [...reading.values(), ...entries.values()]) expectAll(entry);
      onNews(undefined);
    }
    for (const note of notes) apply(parseChange(note));
  });

  const bringUpToDate = async (entry: Entry): Promise<void> => {
    const { document, changed } = entry;
    if (changed !== "all" && changed.size === 0) return;
    entry.changed = new Set();
    const began = clock();
    const isFirst = document.manifests.size === 0;
    const share = shareFacts();
    const known = isFirst ? await kept.load(document.name, share) : NOTHING_KNOWN;
    const onRead = (facts: ManifestFacts): void => {
      if (isKept(facts)) entry.unwritten += 1;
    };
    const onProgress: OnProgress = (done, total) => {
      if (entry.users === 0) throw new Error(`nobody waits for ${document.name} any more`);
      for (const watcher of entry.watchers) watcher(done, total);
    };
    try {
      if (changed === "all") await readAll(document, { survey, known, share, onRead, onProgress });
      else await readItems(document, changed, { survey, known, share, onRead });
    } catch (error) {
      expectAll(entry);
      throw error;
    }
    if (changed === "all") document.readAt = began;
    if (isToBeKept(entry, known.size, !isFirst) && kept.keep(document)) entry.unwritten = 0;
  };

  const open = (name: RepositoryName): Entry => {
    const known = reading.get(name) ?? entries.get(name);
    if (known !== undefined) return known;
    const entry: Entry = {
      document: new RepositoryDocument(name),
      changed: "all",
      users: 0,
      watchers: new Set(),
      unwritten: 0,
      update: batched(() => bringUpToDate(entry)),
    };
    return entry;
  };

  return {
    readNews,
    async get(name, { tags = [], signal, onProgress } = {}) {
      signal?.throwIfAborted();
      const entry = open(name);
      reading.set(name, entry);
      entry.users += 1;
      if (onProgress !== undefined) entry.watchers.add(onProgress);
      try {
        await readNews();
        if (clock() - entry.document.readAt >= READ_AGAIN) expectAll(entry);
        if (entry.changed !== "all") for (const tag of tags) entry.changed.add(tag);
        await abortable(entry.update(), signal);
        // Its weight is only taken when it is new.
        entries.delete(name);
        entries.set(name, entry);
      } finally {
        entry.users -= 1;
        if (onProgress !== undefined) entry.watchers.delete(onProgress);
        if (entry.users === 0) reading.delete(name);
      }
      return entry.document;
    },
  };
}

/** Whether what is written down differs enough from what there is: `known` facts were written, and some manifests were there before. */
function isToBeKept({ document, unwritten }: Entry, known: number, hadManifests: boolean): boolean {
  const { size } = document.manifests;
  if (size === 0) return hadManifests || known > 0;
  if (known - size > Math.max(size, MAX_UNNEEDED)) return true;
  return unwritten >= Math.min(UNWRITTEN.count, Math.max(1, size * UNWRITTEN.share));
}
