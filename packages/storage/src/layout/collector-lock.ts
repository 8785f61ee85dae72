/** What the lock of collectors says. */
export interface CollectorLock {
  /** The run that holds it. */
  readonly run: string;
  /** Where that runs, for people. */
  readonly owner: string;
  /** The runs whose hidden files may still be there, with its own. */
  readonly runs: readonly string[];
  /** Beats of its holder: each makes another content. */
  readonly beat: number;
}

const RUN = /^[A-Za-z0-9-]{1,64}$/;
const NOBODY: CollectorLock = { run: "", owner: "somebody unknown", runs: [], beat: 0 };

/** Reads the lock; of what can't be understood, only that it is there. */
export function parseCollectorLock(bytes: Uint8Array): CollectorLock {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return NOBODY;
  }
  if (typeof value !== "object" || value === null) return NOBODY;
  const { run, owner, runs, beat } = value as Readonly<Record<string, unknown>>;
  const known: readonly unknown[] = Array.isArray(runs) ? runs : [];
  return {
    run: typeof run === "string" && RUN.test(run) ? run : NOBODY.run,
    owner: typeof owner === "string" ? owner : NOBODY.owner,
    runs: known.filter((each) => typeof each === "string").filter((each) => RUN.test(each)),
    beat: typeof beat === "number" ? beat : 0,
  };
}

export function writeCollectorLock(lock: CollectorLock): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ version: 1, ...lock }));
}
