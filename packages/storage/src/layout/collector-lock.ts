/** The content of the collectors' lock. */
export interface CollectorLock {
  /** The run that holds it. */
  readonly run: string;
  /** Where the run takes place, for people. */
  readonly owner: string;
  /** The runs whose hidden files may still exist, including this one. */
  readonly runs: readonly string[];
  /** The holder's heartbeats: each changes the content. */
  readonly beat: number;
}

const RUN = /^[A-Za-z0-9-]{1,64}$/;
const UNKNOWN: CollectorLock = { run: "", owner: "an unknown process", runs: [], beat: 0 };

/** Parses the lock. One that can't be parsed counts as held by an unknown run. */
export function parseCollectorLock(bytes: Uint8Array): CollectorLock {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return UNKNOWN;
  }
  if (typeof value !== "object" || value === null) return UNKNOWN;
  const { run, owner, runs, beat } = value as Readonly<Record<string, unknown>>;
  const known: readonly unknown[] = Array.isArray(runs) ? runs : [];
  return {
    run: typeof run === "string" && RUN.test(run) ? run : UNKNOWN.run,
    owner: typeof owner === "string" ? owner : UNKNOWN.owner,
    runs: known.filter((each) => typeof each === "string").filter((each) => RUN.test(each)),
    beat: typeof beat === "number" ? beat : 0,
  };
}

export function writeCollectorLock(lock: CollectorLock): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ version: 1, ...lock }));
}
