import type { PauseReason, UpstreamStatus } from "@longshore/mirror";

/** How one process sees each upstream, by its label. */
export type UpstreamStatuses = ReadonlyMap<string, UpstreamStatus>;

/** What is shown of an upstream's configuration. */
interface ConfiguredUpstream {
  readonly label: string;
  readonly prefix: string;
  /** Of its URL only the host is shown: the rest may hold a password. */
  readonly options: { readonly remoteurl: string };
}

/** How an upstream does, as all processes together saw. Nothing in it is secret. */
interface UpstreamState {
  readonly name: string;
  /** Empty where every repository is this upstream's. */
  readonly prefix: string;
  readonly host: string;
  /**
   * `unasked`: no process has asked it yet; `paused`: at least one process leaves it alone for now; otherwise whether the latest
   * request was answered.
   */
  readonly state: "unasked" | "reachable" | "unreachable" | "paused";
  /** The pause that ends last, and how many processes pause. */
  readonly pause?: { readonly until: Date; readonly reason: PauseReason; readonly processes: number };
  /** When the failures began, where the latest request wasn't answered. */
  readonly failingSince?: Date;
  readonly lastSuccess?: Date;
  readonly lastError?: { readonly at: Date; readonly message: string };
  readonly rateLimit?: UpstreamStatus["rateLimit"];
  /** Processes that told how they see it. */
  readonly processes: number;
}

/** The state of each configured upstream, from what each process saw of it. */
export function upstreamStates(
  upstreams: readonly ConfiguredUpstream[],
  processes: readonly UpstreamStatuses[],
): readonly UpstreamState[] {
  return upstreams.map(({ label, prefix, options }) => ({
    name: label,
    prefix,
    host: new URL(options.remoteurl).host,
    ...merge(processes.flatMap((statuses) => statuses.get(label) ?? [])),
  }));
}

/** The state of a registry that `proxy.sync` copies from: `name` is the entry's `source`. */
interface SourceState extends Omit<UpstreamState, "prefix"> {
  readonly use: "sync";
}

/** The state of each registry that `proxy.sync` copies from, from what the process that copies saw since it started. */
export function sourceStates(
  entries: readonly { readonly text: string; readonly options: { readonly remoteurl: string } }[],
  statuses: UpstreamStatuses,
): readonly SourceState[] {
  return entries.map(({ text, options }) => ({
    name: text,
    use: "sync",
    host: new URL(options.remoteurl).host,
    ...merge([statuses.get(text) ?? {}]),
  }));
}

function merge(statuses: readonly UpstreamStatus[]): Omit<UpstreamState, "name" | "prefix" | "host"> {
  const byUse = [...statuses].sort((a, b) => lastUse(b) - lastUse(a));
  const [latest] = byUse;
  const pauses = statuses.flatMap(({ pause }) => pause ?? []);
  const pause = newest(pauses, ({ until }) => until);
  const lastSuccess = newest(
    statuses.flatMap((status) => status.lastSuccess ?? []),
    (date) => date,
  );
  const lastError = newest(
    statuses.flatMap((status) => status.lastError ?? []),
    ({ at }) => at,
  );
  const rateLimit = byUse.find((status) => status.rateLimit !== undefined)?.rateLimit;
  const failingSince = latest?.failure?.since;
  return {
    state: stateOf(latest, pause !== undefined),
    ...(pause === undefined ? {} : { pause: { ...pause, processes: pauses.length } }),
    ...(failingSince === undefined ? {} : { failingSince }),
    ...(lastSuccess === undefined ? {} : { lastSuccess }),
    ...(lastError === undefined ? {} : { lastError }),
    ...(rateLimit === undefined ? {} : { rateLimit }),
    processes: statuses.length,
  };
}

function stateOf(latest: UpstreamStatus | undefined, isPaused: boolean): UpstreamState["state"] {
  if (isPaused) return "paused";
  if (latest === undefined || lastUse(latest) === 0) return "unasked";
  return latest.failure === undefined ? "reachable" : "unreachable";
}

/** ms since 1970; 0: it was never asked. */
function lastUse({ lastSuccess, lastError }: UpstreamStatus): number {
  return Math.max(lastSuccess?.getTime() ?? 0, lastError?.at.getTime() ?? 0);
}

function newest<T>(values: readonly T[], dateOf: (value: T) => Date): T | undefined {
  return [...values].sort((a, b) => dateOf(b).getTime() - dateOf(a).getTime())[0];
}
