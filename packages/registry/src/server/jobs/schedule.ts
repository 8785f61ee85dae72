const DAY = 24 * 60 * 60_000;
/** The longest that a timer can wait. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** When a job runs (ms). */
export interface Schedule {
  /** `HH:MM` of the first run, in UTC; undefined: after a random time of up to an hour. */
  readonly timeofday?: string | undefined;
  readonly interval: number;
}

export interface SchedulePorts {
  /** Begins no run any more. */
  readonly stop: AbortSignal;
  /** ms since 1970. */
  readonly now: () => number;
  readonly random: () => number;
  /** Called with the milliseconds until the next run. */
  readonly onScheduled: (wait: number) => void;
}

/**
 * Does `work` again and again: first at the configured time of day, or after a random time of up to an hour, so that several registries
 * don't walk a shared storage at once; then at the interval. `work` never rejects.
 */
export function runOnSchedule(schedule: Schedule, work: () => Promise<void>, ports: SchedulePorts): void {
  const { stop, now, random, onScheduled } = ports;
  let timer: NodeJS.Timeout | undefined;
  stop.addEventListener("abort", () => clearTimeout(timer), { once: true });

  const sleep = (due: number): void => {
    if (stop.aborted) return;
    const wait = Math.max(due - now(), 0);
    const part = Math.min(wait, LONGEST_TIMER);
    timer = setTimeout(() => (part < wait ? sleep(due) : void run(due)), part).unref();
  };

  const plan = (due: number): void => {
    if (stop.aborted) return;
    onScheduled(Math.max(due - now(), 0));
    sleep(due);
  };

  const run = async (due: number): Promise<void> => {
    await work();
    plan(nextTime(due, schedule.interval, now()));
  };

  plan(now() + firstWait(schedule, now(), random));
}

/** How long until the first run (ms). */
export function firstWait({ timeofday, interval }: Schedule, now: number, random: () => number): number {
  if (timeofday === undefined) return Math.floor(random() * Math.min(interval, DAY / 24));
  const [hours = 0, minutes = 0] = timeofday.split(":").map(Number);
  const since = ((((now % DAY) - (hours * 60 + minutes) * 60_000) % DAY) + DAY) % DAY;
  return since === 0 ? 0 : DAY - since;
}

/**
 * When the run after the one that was due at `due` is due (ms). Counted from start to start, so that long ones don't
 * shift the time of day; one that takes longer than the interval skips the next.
 */
function nextTime(due: number, interval: number, now: number): number {
  return due + interval * Math.max(Math.floor((now - due) / interval) + 1, 1);
}
