import { randomBytes } from "node:crypto";
import type { RecordStore } from "@longshore/storage";
import { parseRun, type JobName, type Run, type RunProgress } from "./run.js";

/** Runs that are remembered. */
const REMEMBERED = 50;
/** How often a run's progress is written down (ms). */
const WRITE_EVERY = 5000;

/** The latest runs of all processes and replicas, in the storage's records. */
export interface Runs {
  /** Newest first. */
  list(): Promise<readonly Run[]>;
  /** Undefined if there is none, or it has been forgotten. */
  read(id: string): Promise<Run | undefined>;
  /** Writes down a run that begins now. */
  begin(job: JobName, about: Pick<Run, "dryRun" | "startedBy">): Promise<CurrentRun>;
}

/** A run of this process. */
export interface CurrentRun {
  readonly id: string;
  /** Cheap: written down every few seconds, in the background. */
  progress(progress: RunProgress): void;
  end(outcome: Pick<Run, "result" | "error"> & { readonly state: "done" | "failed" | "stopped" }): Promise<void>;
}

const FOLDER = "maintenance";

/** `now` is in ms since 1970. */
export function openRuns(records: RecordStore, now: () => number = Date.now): Runs {
  const read = async (id: string): Promise<Run | undefined> => {
    // Ids come from clients; a record's name is checked by the store, which throws.
    if (!/^[a-z0-9-]{1,64}$/.test(id)) return undefined;
    const record = await records.read(`${FOLDER}/${id}`);
    return record === undefined ? undefined : parseRun(record.value, now());
  };

  const names = async (): Promise<string[]> => {
    const found: string[] = [];
    for await (const name of records.list(FOLDER)) found.push(name);
    return found;
  };

  async function forgetOld(): Promise<void> {
    const all = await names();
    for (const name of all.slice(0, Math.max(all.length - REMEMBERED, 0))) await records.remove(name);
  }

  return {
    read,
    async list() {
      const ids = (await names()).slice(-REMEMBERED).map((name) => name.slice(FOLDER.length + 1));
      const runs = await Promise.all(ids.map(read));
      return runs.filter((run) => run !== undefined).reverse();
    },
    async begin(job, about) {
      const started = new Date(now()).toISOString();
      // Sorted by time, to the millisecond, and the same for no two processes.
      const id = `${started.replace(/\D/g, "")}-${job}-${randomBytes(4).toString("hex")}`;
      let run: Run = { id, job, state: "running", ...about, started, updated: started };
      await records.create(`${FOLDER}/${id}`, encode(run));
      await forgetOld();
      const write = async (): Promise<void> => {
        run = { ...run, updated: new Date(now()).toISOString() };
        const record = await records.read(`${FOLDER}/${id}`);
        if (record !== undefined) await records.replace(`${FOLDER}/${id}`, encode(run), record.version);
      };
      // One at a time: what is written last is the newest.
      let writing = Promise.resolve();
      const next = (): Promise<void> => (writing = writing.then(write, write));
      const timer = setInterval(() => void next().catch(() => undefined), WRITE_EVERY).unref();
      return {
        id,
        progress: (progress) => void (run = { ...run, progress }),
        async end(outcome) {
          clearInterval(timer);
          run = { ...run, ...outcome };
          await next();
        },
      };
    },
  };
}

function encode(run: Run): Uint8Array {
  return Buffer.from(JSON.stringify(run));
}
