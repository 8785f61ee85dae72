import { createHash } from "node:crypto";
import { canTouch, orUndefined, type StorageDriver } from "@longshore/storage";
import { decodeNotes } from "./notes-file.js";

/** More than the longest notes take: a name and twenty tags each. */
const MAX_BYTES = 256 * 1024;
/** A directory that changed less than this before it was looked at (ms) may change again without showing it. */
const GRAIN = 1000;

/** How far a reader has read: for each process, the number of its last note. */
export type Positions = ReadonlyMap<string, number>;

/** What was posted since a reader read last. */
interface News {
  readonly notes: readonly string[];
  /** False if more was posted than is still there: anything may have changed. */
  readonly isComplete: boolean;
}

/** Reads a board from where it stopped. */
export interface BoardReader {
  readonly positions: Positions;
  read(): Promise<News>;
}

const NOTHING_NEW: News = { notes: [], isComplete: true };

/** A directory in which the next note will show: by a change time that is old enough to differ from that of any later change. */
interface Witness {
  readonly path: string;
  /** ms since 1970. */
  readonly time: number;
}

/** A reader of the board in `folder` that has read up to `from`. Where nothing is posted, a read costs one `stat` or listing. */
export function createBoardReader(driver: StorageDriver, folder: string, from: Positions = new Map()): BoardReader {
  const positions = new Map(from);
  /** Damaged files, by name, with a hash of what was in them. */
  let damaged = new Map<string, string>();
  const showsChanges = canTouch(driver);
  /** Where a change will show, once everything in the folder has been read. */
  let witness: Witness | undefined;

  /** The folder with its change time; as long as it doesn't exist, the nearest one above, which changes when it is created. */
  const findWitness = async (): Promise<Witness | undefined> => {
    if (!showsChanges) return undefined;
    const now = Date.now();
    for (let path = folder; path !== ""; path = path.slice(0, path.lastIndexOf("/"))) {
      const info = await orUndefined(driver.stat(path));
      if (info === undefined) continue;
      const time = info.modified.getTime();
      return now - time >= GRAIN ? { path, time } : undefined;
    }
    return undefined;
  };

  const isUnchanged = async ({ path, time }: Witness): Promise<boolean> =>
    (await orUndefined(driver.stat(path)))?.modified.getTime() === time;

  const readAll = async (): Promise<News> => {
    const notes: string[] = [];
    const found = new Map<string, string>();
    let isComplete = true;
    for (const name of (await orUndefined(driver.list(folder)))?.names ?? []) {
      const bytes = await orUndefined(driver.read(`${folder}/${name}`, { limit: MAX_BYTES }));
      if (bytes === undefined) continue;
      const posted = decodeNotes(bytes);
      if (posted === undefined) {
        // What it may have said is assumed once, until it says something else.
        const hash = createHash("sha256").update(bytes).digest("base64");
        if (damaged.get(name) !== hash) isComplete = false;
        found.set(name, hash);
        continue;
      }
      const unread = posted.last - (positions.get(name) ?? 0);
      if (unread <= 0) continue;
      if (unread > posted.notes.length) isComplete = false;
      notes.push(...posted.notes.slice(-unread));
      positions.set(name, posted.last);
    }
    damaged = found;
    return { notes, isComplete };
  };

  return {
    positions,
    async read() {
      if (witness !== undefined && (await isUnchanged(witness))) return NOTHING_NEW;
      const found = await findWitness();
      const news = await readAll();
      witness = news.isComplete ? found : undefined;
      return news;
    },
  };
}
