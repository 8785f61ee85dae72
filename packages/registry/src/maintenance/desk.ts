import { errorFields, type Log } from "../observability/log.js";
import type { JobName, Run, RunProgress } from "./run.js";
import type { CurrentRun, Runs } from "./runs.js";

/** What a job did, or would have done, in numbers. */
export type Figures = Readonly<Record<string, number>>;

/** What a job gets for one run. */
export interface JobRun {
  readonly dryRun: boolean;
  /** Cheap: may be called often. */
  progress(progress: RunProgress): void;
  /** Ends the run; the job rejects with its reason. */
  readonly signal: AbortSignal;
}

/** What is known of a run when it begins. */
export type RunRequest = Pick<Run, "dryRun" | "startedBy">;

/** What came of a request: the run that began, or the one that was on already, which may be a dry run although none was asked for. */
export interface RequestedRun {
  readonly id: string;
  readonly isNew: boolean;
}

/** Starts runs for whoever asks. */
export interface MaintenanceRequests {
  /** Undefined if this registry doesn't run the job. */
  request(job: JobName, about: RunRequest): Promise<RequestedRun | undefined>;
}

/** Runs jobs: at most one of each at a time in this registry, however it was started, and writes down how they go. */
export interface MaintenanceDesk extends MaintenanceRequests {
  /** From now on the job can be asked for. */
  serve(name: JobName, job: (run: JobRun) => Promise<Figures>): void;
  /** Runs `job` now, or once the dry run that is on has ended. Throws {@link JobRunningError}, and what the job throws. */
  run(name: JobName, about: RunRequest, job: (run: JobRun) => Promise<Figures>): Promise<void>;
}

/** The job is running already. */
export class JobRunningError extends Error {
  override readonly name = "JobRunningError";
}

/** Passes requests on to a desk that opens later than those who ask. */
export interface MaintenanceRelay extends MaintenanceRequests {
  connect(desk: MaintenanceRequests): void;
}

export function createRelay(): MaintenanceRelay {
  let desk: MaintenanceRequests | undefined;
  return {
    connect: (opened) => void (desk = opened),
    request: async (...request) => desk?.request(...request),
  };
}

export interface DeskPorts {
  readonly runs: Runs;
  readonly log: Log;
  /** Ends what is running; nothing begins any more. */
  readonly stop: AbortSignal;
}

/** A run that is on. */
interface Started {
  readonly id: Promise<string>;
  readonly ended: Promise<void>;
}

export function openDesk({ runs, log, stop }: DeskPorts): MaintenanceDesk {
  const jobs = new Map<JobName, (run: JobRun) => Promise<Figures>>();
  const running = new Map<JobName, Started & Pick<RunRequest, "dryRun">>();

  /** A job is done even where it can't be written down. */
  const begin = (name: JobName, about: RunRequest): Promise<CurrentRun> =>
    runs.begin(name, about).catch((error: unknown) => {
      log.warn(`a ${name} begins, but its progress can't be written down`, errorFields(error));
      return { id: "unrecorded", progress: () => undefined, end: () => Promise.resolve() };
    });

  async function execute(
    current: CurrentRun,
    { dryRun }: RunRequest,
    job: (run: JobRun) => Promise<Figures>,
    over: () => void,
  ): Promise<void> {
    const end = (outcome: Parameters<CurrentRun["end"]>[0]): Promise<void> =>
      current.end(outcome).catch((error: unknown) => {
        log.warn("the end of a run can't be written down", errorFields(error));
      });
    try {
      // Over before that can be read: who sees it may ask for the next one.
      const progress: JobRun["progress"] = (each) => current.progress(each);
      const result = await job({ dryRun, signal: stop, progress }).finally(over);
      await end({ state: "done", result: { ...result } });
    } catch (error) {
      const reason = error instanceof Error ? error.message : "unknown failure";
      await end(stop.aborted ? { state: "stopped" } : { state: "failed", error: reason });
      throw error;
    }
  }

  /** Only if it isn't running. */
  function start(name: JobName, about: RunRequest, job: (run: JobRun) => Promise<Figures>): Started {
    const current = begin(name, about);
    const id = current.then((each) => each.id);
    const ended = current.then((each) => execute(each, about, job, () => void running.delete(name)));
    running.set(name, { id, ended, dryRun: about.dryRun });
    return { id, ended };
  }

  return {
    serve: (name, job) => void jobs.set(name, job),
    async request(name, about) {
      const on = running.get(name);
      if (on !== undefined) return { id: await on.id, isNew: false };
      const job = jobs.get(name);
      if (job === undefined || stop.aborted) return undefined;
      const { id, ended } = start(name, about, job);
      ended.catch((error: unknown) => {
        if (!stop.aborted) log.error(`the ${name} that was asked for failed`, errorFields(error));
      });
      return { id: await id, isNew: true };
    },
    async run(name, about, job) {
      for (let on = running.get(name); on !== undefined; on = running.get(name)) {
        if (!on.dryRun || about.dryRun) throw new JobRunningError(`a ${name} is running already`);
        // Its failure is reported to whoever asked for it.
        await on.ended.catch(() => undefined);
      }
      stop.throwIfAborted();
      await start(name, about, job).ended;
    },
  };
}
