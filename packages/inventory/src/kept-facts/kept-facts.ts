import { createHash } from "node:crypto";
import { DAY } from "@longshore/base/duration";
import { MIB } from "@longshore/base/size";
import {
  mapConcurrently,
  orUndefined,
  type CallOptions,
  type Digest,
  type Registry,
  type RepositoryName,
  type StorageDriver,
} from "@longshore/storage";
import type { RepositoryDocument } from "../documents/document.js";
import { weightOf, type ManifestFacts } from "../documents/facts.js";
import type { ShareFacts } from "../documents/shared-facts.js";
import { FACTS_FOLDER } from "../layout.js";
import { decodeFacts, encodeFacts } from "./facts-file.js";

/**
 * What manifests say, as processes have written it down for one another (docs/protocols/inventory.md §Kept facts): so that a process
 * needn't read each manifest and config when it is asked for a repository for the first time.
 */
export interface KeptFacts {
  /** What is known of the repository's manifests, by digest. Never throws: what is missing or damaged isn't known. */
  load(name: RepositoryName, share: ShareFacts): Promise<ReadonlyMap<Digest, ManifestFacts>>;
  /** Writes down soon what isn't written yet, and forgets what isn't needed any more. Returns false if that isn't done now. */
  keep(document: RepositoryDocument): boolean;
  /** Resolves when nothing waits to be written. Never throws. */
  written(): Promise<void>;
  /** Forgets a repository that is gone. Never throws. */
  remove(name: RepositoryName): Promise<void>;
  /** Ends once what was to be kept is written, or after two seconds. */
  close(): Promise<void>;
}

/** Options of {@link openKeptFacts}. */
export interface KeptFactsOptions {
  /** Whether this process writes. */
  readonly keeps: boolean;
  /** Called when reading or writing fails for the first time, and again once it has worked in between. */
  readonly onTrouble: (error: unknown) => void;
  /** How much the documents may take that wait to be written (bytes). */
  readonly maxBytes: number;
  /** Which repositories there are. */
  readonly registry: Pick<Registry, "repositories">;
  /** ms, monotonic. */
  readonly clock: () => number;
}

/** What the facts in one file take in memory (bytes), about; the file itself has less, about a quarter of it. */
const CAPACITY = 4 * MIB;
/** The largest file that is read. */
const MAX_FILE = 4 * MIB;
/** When a repository has more files than this that are less than half full, they are written together. */
const MAX_SPARSE = 8;
/** Files that are read at a time. */
const CONCURRENCY = 4;
/** How long a process that ends still writes (ms). */
const PATIENCE = 2000;

/** Whether `facts` are written down: those of an enormous manifest are read again instead. */
export const isKept = (facts: ManifestFacts): boolean => facts.isFinal && weightOf(facts) <= CAPACITY;

/** A file that is less than half full with what is needed of it. */
interface SparseFile {
  readonly path: string;
  readonly facts: readonly ManifestFacts[];
  /** Whether less than half of it is needed. */
  readonly isWasteful: boolean;
}

/** The facts in the inventory's folder on `driver`. */
export function openKeptFacts(driver: StorageDriver, options: KeptFactsOptions): KeptFacts {
  const { keeps, maxBytes, registry, clock } = options;
  const waiting = new Map<RepositoryName, RepositoryDocument>();
  let working: Promise<void> | undefined;
  let isClosed = false;
  let isTroubled = false;
  let sweptAt = -Infinity;

  const attempt = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
      isTroubled = false;
    } catch (error) {
      if (!isTroubled) options.onTrouble(error);
      isTroubled = true;
    }
  };

  /** Removes the facts of repositories that are gone: of those that other programs have removed nothing else tells. */
  const sweep = async (): Promise<void> => {
    // In this order: a repository whose facts are kept existed before its name is looked for.
    const folders = await namesIn(driver, FACTS_FOLDER);
    const { items } = await registry.repositories();
    const known = new Set(items.map(idOf));
    for (const id of folders) if (!known.has(id)) await orUndefined(driver.delete(`${FACTS_FOLDER}/${id}`));
  };

  const work = async (): Promise<void> => {
    while (waiting.size > 0) {
      for (const [name, document] of waiting) {
        waiting.delete(name);
        await attempt(() => write(driver, document));
      }
      if (clock() - sweptAt < DAY || isClosed) continue;
      sweptAt = clock();
      await attempt(sweep);
    }
    working = undefined;
  };

  return {
    async load(name, share) {
      const known = new Map<Digest, ManifestFacts>();
      await attempt(async () => {
        const paths = await filesOf(driver, name);
        await mapConcurrently(paths, CONCURRENCY, async (path) => {
          for (const facts of await readFile(driver, path)) known.set(facts.digest, share(facts));
        });
      });
      return known;
    },

    keep(document) {
      if (!keeps || isClosed) return false;
      let weight = 0;
      for (const other of waiting.values()) weight += other.weight;
      if (weight >= maxBytes) return false;
      waiting.set(document.name, document);
      working ??= work();
      return true;
    },

    written: () => working ?? Promise.resolve(),

    remove: (name) => attempt(async () => void (await orUndefined(driver.delete(folderOf(name))))),

    async close() {
      isClosed = true;
      const timer = setTimeout(() => waiting.clear(), PATIENCE);
      await working;
      clearTimeout(timer);
    },
  };
}

/** Writes the facts of `document` that no file has. Files are never changed: what is needed of one that goes is written first. */
async function write(driver: StorageDriver, document: RepositoryDocument): Promise<void> {
  if (document.manifests.size === 0) {
    await orUndefined(driver.delete(folderOf(document.name)));
    return;
  }
  const wanted = new Map<Digest, ManifestFacts>();
  for (const [digest, { facts }] of document.manifests) if (isKept(facts)) wanted.set(digest, facts);
  const sparse: SparseFile[] = [];
  for (const path of await filesOf(driver, document.name)) {
    const all = await readFile(driver, path);
    const facts = all.filter(({ digest }) => wanted.delete(digest));
    const weight = facts.reduce((sum, each) => sum + weightOf(each), 0);
    if (weight < CAPACITY / 2) sparse.push({ path, facts, isWasteful: facts.length < all.length / 2 });
  }
  const isTogether = sparse.length > MAX_SPARSE || sparse.some(({ isWasteful }) => isWasteful);
  const rest = isTogether ? sparse.flatMap(({ facts }) => facts) : [];
  const written = new Set<string>();
  for (const facts of piecesOf([...rest, ...wanted.values()])) {
    const bytes = encodeFacts(facts);
    const path = `${folderOf(document.name)}/${sha256(bytes)}`;
    await driver.write(path, bytes, { durable: false });
    written.add(path);
  }
  for (const { path, facts } of sparse) {
    const isNeeded = facts.length > 0 && !isTogether;
    if (!isNeeded && !written.has(path)) await orUndefined(driver.delete(path, { fileOnly: true }));
  }
}

/** `facts` in the order of digests, so that processes that write the same write the same files; each piece is for one file. */
function* piecesOf(facts: readonly ManifestFacts[]): Generator<readonly ManifestFacts[]> {
  let piece: ManifestFacts[] = [];
  let weight = 0;
  for (const each of [...facts].sort((a, b) => (a.digest < b.digest ? -1 : 1))) {
    if (weight + weightOf(each) > CAPACITY) {
      yield piece;
      [piece, weight] = [[], 0];
    }
    piece.push(each);
    weight += weightOf(each);
  }
  if (piece.length > 0) yield piece;
}

const namesIn = async (driver: StorageDriver, folder: string, options?: CallOptions): Promise<readonly string[]> =>
  (await orUndefined(driver.list(folder, options)))?.names ?? [];

async function filesOf(driver: StorageDriver, name: RepositoryName): Promise<readonly string[]> {
  const folder = folderOf(name);
  return (await namesIn(driver, folder)).map((file) => `${folder}/${file}`);
}

/** What a file says; nothing if it is gone, too large, or damaged: it is named after what it should contain. */
async function readFile(driver: StorageDriver, path: string): Promise<readonly ManifestFacts[]> {
  let bytes: Uint8Array | undefined;
  try {
    bytes = await orUndefined(driver.read(path, { limit: MAX_FILE }));
  } catch (error) {
    const { size = 0 } = (await orUndefined(driver.stat(path))) ?? {};
    if (size > MAX_FILE) return [];
    throw error;
  }
  if (bytes === undefined || !path.endsWith(`/${sha256(bytes)}`)) return [];
  return decodeFacts(bytes) ?? [];
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** The folder of a repository: names would be folders within folders. */
const folderOf = (name: RepositoryName): string => `${FACTS_FOLDER}/${idOf(name)}`;

const idOf = (name: RepositoryName): string => sha256(Buffer.from(name));
