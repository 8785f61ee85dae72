import { ApiError } from "../../../errors/api-error.js";
import type { JobName } from "../../../maintenance/run.js";
import type { Exchange, Maintenance } from "../../exchange.js";
import { answer } from "./answer.js";

/** When to ask again for a run that a dry run is in the way of (s). */
const RETRY_AFTER = "30";

interface StartQuery {
  readonly job: JobName;
  readonly dryrun: boolean | undefined;
}

/** `POST /v2/_longshore/maintenance/runs`. */
export async function startRun(exchange: Exchange, { job, dryrun = false }: StartQuery): Promise<void> {
  if (!dryrun && !exchange.shared.config.storage.delete.enabled) throw new ApiError("UNSUPPORTED");
  const { runs, requests } = maintenanceOf(exchange);
  const { account } = exchange.grant;
  const startedBy = account === undefined || account === "" ? {} : { startedBy: account };
  const requested = await requests.request(job, { dryRun: dryrun, ...startedBy });
  const run = requested === undefined ? undefined : await runs.read(requested.id);
  if (run === undefined) {
    throw new ApiError("UNAVAILABLE", { detail: `no ${job} can be started now; see the registry's log` });
  }
  if (run.dryRun && !dryrun) {
    const detail = `the dry run ${run.id} is on, and nothing else was started; ask again when it has ended`;
    throw new ApiError("UNAVAILABLE", { detail, headers: { "Retry-After": RETRY_AFTER } });
  }
  answer<"Run">(exchange, 202, run, ["Location", `${exchange.path}/${run.id}`]);
}

/** `GET /v2/_longshore/maintenance/runs`. */
export async function listRuns(exchange: Exchange): Promise<void> {
  answer<"Runs">(exchange, 200, { runs: await maintenanceOf(exchange).runs.list() });
}

/** `GET /v2/_longshore/maintenance/runs/<id>`. */
export async function showRun(exchange: Exchange): Promise<void> {
  const run = await maintenanceOf(exchange).runs.read(exchange.reference);
  if (run === undefined)
    throw new ApiError("UNKNOWN", { status: 404, detail: "there is no such run, or it is forgotten" });
  answer<"Run">(exchange, 200, run);
}

function maintenanceOf({ shared }: Exchange): Maintenance {
  if (shared.maintenance === undefined) throw new ApiError("UNSUPPORTED");
  return shared.maintenance;
}
