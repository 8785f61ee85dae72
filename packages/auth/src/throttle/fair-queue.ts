/** How far a login is trusted before its password is compared, from most to least trusted. */
const TRUST = ["known", "clean", "suspect"] as const;

/** `known`: the account has logged in from there before; `clean`: no login has failed there; `suspect`: one has. */
export type Trust = (typeof TRUST)[number];

/** Where a job comes from. */
export interface QueuePlace {
  /** The networks that contain the source, widest first, and the source itself last. Never empty. */
  readonly groups: readonly string[];
  readonly trust: Trust;
}

/** Bounds of a {@link FairQueue}. */
export interface FairQueueOptions {
  /** Jobs that run at the same time. */
  readonly concurrency: number;
  /** Jobs of one source that run at the same time; 1 by default. */
  readonly concurrencyPerSource?: number | undefined;
  /** Jobs that wait at each level of {@link Trust}. */
  readonly waiting: number;
  /** Jobs of one source that wait at one level of {@link Trust}. */
  readonly waitingPerSource: number;
}

/** Runs jobs of many sources, few of each source at a time. */
export interface FairQueue {
  /** Resolves to the result of `job`. Rejects with {@link CrowdedOutError}, at once or later, if too many jobs wait. */
  run<T>(place: QueuePlace, job: () => Promise<T>): Promise<T>;
}

/** The job lost its place to one from a source or a network with fewer waiting jobs. */
export class CrowdedOutError extends Error {
  override readonly name = "CrowdedOutError";
}

interface Job {
  readonly start: () => void;
  readonly drop: () => void;
}

/** A network, or a source; only sources have jobs. Children are in the order of their turns. */
interface Group {
  waiting: number;
  readonly children: Map<string, Group>;
  readonly jobs: Job[];
}

/** Every fourth turn skips the most trusted lane, and every sixteenth the second one too, so that no lane starves. */
const PAST_FIRST = 4;
const PAST_SECOND = 16;

function newGroup(): Group {
  return { waiting: 0, children: new Map(), jobs: [] };
}

/** The groups along `path` below `root`, starting with the root. Missing ones are created. */
function walk(root: Group, path: readonly string[]): Group[] {
  const found = [root];
  let at = root;
  for (const name of path) {
    const next = at.children.get(name) ?? newGroup();
    at.children.set(name, next);
    found.push((at = next));
  }
  return found;
}

/** Counts one job less along `path` and removes groups that are now empty. */
function leave(root: Group, path: readonly string[]): void {
  root.waiting -= 1;
  const [name, ...rest] = path;
  const child = name === undefined ? undefined : root.children.get(name);
  if (name === undefined || child === undefined) return;
  leave(child, rest);
  if (child.waiting === 0) root.children.delete(name);
}

/** Moves each group along `path` behind its siblings. */
function giveTurn(root: Group, path: readonly string[]): void {
  let at = root;
  for (const name of path) {
    const child = at.children.get(name);
    if (child === undefined) return;
    at.children.delete(name);
    at.children.set(name, child);
    at = child;
  }
}

/** The first source in the order of turns that has a waiting job and may run another; undefined if there is none. */
function firstIn(group: Group, isServed: (source: string) => boolean): string[] | undefined {
  for (const [name, child] of group.children) {
    if (child.jobs.length > 0) {
      if (!isServed(name)) return [name];
      continue;
    }
    const rest = firstIn(child, isServed);
    if (rest !== undefined) return [name, ...rest];
  }
  return undefined;
}

/** The source with the most jobs in the network with the most jobs; among equals, the one that came last. */
function fullest(group: Group): string[] {
  let found: [string, Group] | undefined;
  for (const entry of group.children) if (found === undefined || entry[1].waiting >= found[1].waiting) found = entry;
  return found === undefined ? [] : [found[0], ...fullest(found[1])];
}

/**
 * Networks take turns, and so do the smaller networks and the sources within them: a source with many jobs delays only itself.
 * If too many jobs wait, the source with the most of them loses one. More trusted jobs go first.
 */
export function createFairQueue(options: FairQueueOptions): FairQueue {
  const { concurrency, concurrencyPerSource = 1, waiting, waitingPerSource } = options;
  const lanes: Readonly<Record<Trust, Group>> = { known: newGroup(), clean: newGroup(), suspect: newGroup() };
  /** How many jobs of each source run. */
  const running = new Map<string, number>();
  let total = 0;
  let turn = 0;

  function begin(source: string): void {
    total += 1;
    running.set(source, (running.get(source) ?? 0) + 1);
  }

  function end(source: string): void {
    total -= 1;
    const left = (running.get(source) ?? 0) - 1;
    if (left > 0) running.set(source, left);
    else running.delete(source);
  }

  function remove(lane: Group, path: readonly string[], which: "first" | "last"): Job | undefined {
    const jobs = walk(lane, path).at(-1)?.jobs;
    const job = which === "first" ? jobs?.shift() : jobs?.pop();
    leave(lane, path);
    return job;
  }

  /** The lane and the source whose turn it is; another lane if that one has no job that can start. */
  function choose(): { readonly lane: Group; readonly path: string[] } | undefined {
    const ready = TRUST.flatMap((trust) => {
      const path = firstIn(lanes[trust], (source) => (running.get(source) ?? 0) >= concurrencyPerSource);
      return path === undefined ? [] : [{ lane: lanes[trust], path }];
    });
    const skipped = turn % PAST_SECOND === PAST_SECOND - 1 ? 2 : turn % PAST_FIRST === PAST_FIRST - 1 ? 1 : 0;
    return ready[Math.min(skipped, ready.length - 1)];
  }

  function next(): void {
    while (total < concurrency) {
      const chosen = choose();
      if (chosen === undefined) return;
      const { lane, path } = chosen;
      turn += 1;
      begin(path.at(-1) ?? "");
      giveTurn(lane, path);
      remove(lane, path, "first")?.start();
    }
  }

  return {
    run({ groups, trust }, job) {
      const lane = lanes[trust];
      const source = groups.at(-1) ?? "";
      return new Promise((resolve, reject) => {
        const start = (): void => {
          const finish = (): void => {
            end(source);
            // Behind sources that arrived while this job ran.
            giveTurn(lane, groups);
            next();
          };
          job().then(resolve, reject).finally(finish);
        };
        const drop = (): void => reject(new CrowdedOutError("too many jobs wait"));
        const along = walk(lane, groups);
        for (const group of along) group.waiting += 1;
        const own = along.at(-1)?.jobs;
        own?.push({ start, drop });
        next();
        // A job that starts at once doesn't take a place.
        if ((own?.length ?? 0) > waitingPerSource) remove(lane, groups, "last")?.drop();
        else if (lane.waiting > waiting) remove(lane, fullest(lane), "last")?.drop();
      });
    },
  };
}
