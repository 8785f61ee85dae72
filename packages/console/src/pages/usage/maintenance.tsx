import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { ApiFailure } from "../../api/failure.js";
import { JOBS, listRuns, startRun, type Job, type Run } from "../../api/usage.js";
import { formatBytes, formatCount } from "../../lib/bytes.js";
import { Dialog } from "../../parts/dialog.js";
import { FailureNotice } from "../../parts/failure-notice.js";
import { Time } from "../../parts/values.js";
import { failureOf } from "../../state/resource.js";
import { currentSession } from "../../state/session.js";
import { texts } from "../../text/index.js";

const words = texts.maintenance;
/** How often runs are read while one is on, and otherwise (ms). */
const BUSY = 1000;
const IDLE = 15_000;

/** Collections and retention: what they would free, running them, and how they go. */
export function Maintenance({ onDone }: { readonly onDone: () => void }): JSX.Element {
  const runs = useSignal<readonly Run[] | undefined>(undefined);
  const failure = useSignal<ApiFailure | undefined>(undefined);
  const asked = useSignal<Job | undefined>(undefined);
  const turn = useSignal(0);

  useEffect(() => {
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = async (): Promise<void> => {
      try {
        const before = runs.peek()?.some(isOn) === true;
        const next = await listRuns(controller.signal);
        runs.value = next;
        failure.value = undefined;
        if (before && !next.some(isOn)) onDone();
      } catch (error) {
        if (controller.signal.aborted) return;
        failure.value = failureOf(error);
      }
      timer = setTimeout(() => void read(), runs.peek()?.some(isOn) === true ? BUSY : IDLE);
    };
    void read();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [turn.value]);

  const start = async (job: Job, isDryRun: boolean): Promise<void> => {
    asked.value = undefined;
    try {
      const run = await startRun(job, isDryRun);
      runs.value = [run, ...(runs.peek() ?? []).filter(({ id }) => id !== run.id)];
      turn.value += 1;
    } catch (error) {
      failure.value = failureOf(error);
    }
  };
  const canDelete = currentSession()?.features.deletion === true;
  return (
    <section class="maintenance">
      <h2>{words.title}</h2>
      {JOBS.map((job) => (
        <div key={job} class="job">
          <div>
            <h3>{words.jobs[job].title}</h3>
            <p class="quiet">{words.jobs[job].what}</p>
          </div>
          <div class="actions">
            <button type="button" class="button" onClick={() => void start(job, true)}>
              {words.jobs[job].dryRun}
            </button>
            {canDelete && (
              <button type="button" class="button" onClick={() => (asked.value = job)}>
                {words.jobs[job].run}
              </button>
            )}
          </div>
        </div>
      ))}
      {failure.value !== undefined && <FailureNotice failure={failure.value} />}
      {runs.value !== undefined && runs.value.length > 0 && (
        <>
          <h3>{words.latest}</h3>
          <ul class="runs" aria-live="polite">
            {runs.value.map((run) => (
              <RunRow key={run.id} run={run} />
            ))}
          </ul>
        </>
      )}
      {asked.value !== undefined && (
        <Dialog title={words.jobs[asked.value].run} onClose={() => (asked.value = undefined)}>
          <p>{words.jobs[asked.value].warning}</p>
          <div class="actions">
            <button
              type="button"
              class="button danger"
              onClick={() => asked.value !== undefined && void start(asked.value, false)}
            >
              {words.jobs[asked.value].run}
            </button>
            <button type="button" class="button" onClick={() => (asked.value = undefined)}>
              {texts.cancel}
            </button>
          </div>
        </Dialog>
      )}
    </section>
  );
}

function isOn({ state }: Run): boolean {
  return state === "running";
}

function RunRow({ run }: { readonly run: Run }): JSX.Element {
  const { job, state, dryRun, started, startedBy, progress, result, error } = run;
  const known = JOBS.find((each) => each === job);
  return (
    <li class="run">
      <p>
        <strong>{known === undefined ? job : words.jobs[known].title}</strong>{" "}
        {dryRun && <span class="quiet">{words.dry}</span>} <Time value={started} />{" "}
        {startedBy !== undefined && <bdi class="quiet">{startedBy}</bdi>}
      </p>
      {isOn(run) && (
        <p class="progress">
          <progress
            aria-label={words.running}
            {...(progress?.total === undefined ? {} : { value: progress.done, max: Math.max(1, progress.total) })}
          />
          <span>{progress === undefined ? words.running : `${progress.phase}: ${formatCount(progress.done)}`}</span>
        </p>
      )}
      {result !== undefined && (
        <p class="quiet">
          {Object.entries(result)
            .map(
              ([key, value]) => `${words.result(key)}: ${/bytes/i.test(key) ? formatBytes(value) : formatCount(value)}`,
            )
            .join(" · ")}
        </p>
      )}
      {(state === "failed" || state === "stopped") && (
        <p class="lost">
          {state === "failed" ? words.failed : words.stopped} <bdi>{error}</bdi>
        </p>
      )}
    </li>
  );
}
