import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/** The share of the machine that this process may use. */
export interface Machine {
  /** Cores that it may keep busy at the same time; at least 1. */
  readonly cores: number;
  /** Bytes of memory that its control groups allow; undefined where they set no limit. */
  readonly memory: number | undefined;
}

/** The sources that {@link grantedMachine} reads. */
export interface MachineSources {
  /** The content of a file; undefined if it can't be read. */
  readonly read: (path: string) => string | undefined;
  /** Cores by the process's affinity, which a cpuset sets. */
  readonly affinity: number;
}

const ROOT = "/sys/fs/cgroup";

/** More than any machine has: version 1 writes such a number if there is no limit. */
const UNLIMITED = 2 ** 60;

/** The paths of this process's groups by controller; `""` is version 2's single tree. */
function groupsOf(text: string): ReadonlyMap<string, string> {
  const groups = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    for (const controller of controllers.split(",")) groups.set(controller, path);
  }
  return groups;
}

/**
 * The directories of a group and its ancestors: each may set a limit. In a container the path may be the host's, while
 * the mount's root is the container's own group.
 */
function levels(mount: string, path: string | undefined): string[] {
  const steps = (path ?? "").split("/").filter((step) => step !== "" && step !== "..");
  return [mount, ...steps.map((_, index) => `${mount}/${steps.slice(0, index + 1).join("/")}`)];
}

function numberIn(text: string | undefined): number | undefined {
  const value = text === undefined || text.trim() === "" ? Number.NaN : Number(text);
  return Number.isFinite(value) && value > 0 ? value : undefined;
}

/** Cores of `quota` and `period` in microseconds; undefined where there is no quota. */
function quotient(quota: string | undefined, period: string | undefined): number | undefined {
  const [granted, of] = [numberIn(quota), numberIn(period)];
  return granted === undefined || of === undefined ? undefined : granted / of;
}

function least(values: readonly (number | undefined)[]): number | undefined {
  const found = values.filter((value) => value !== undefined);
  return found.length === 0 ? undefined : Math.min(...found);
}

/** Reads what control groups (versions 1 and 2) and the affinity grant. Cores are rounded to a whole number, at least 1. */
export function grantedMachine({ read, affinity }: MachineSources = thisMachine()): Machine {
  const groups = groupsOf(read("/proc/self/cgroup") ?? "");
  const unified = [ROOT, `${ROOT}/unified`].flatMap((mount) => levels(mount, groups.get("")));
  const cpu = ["cpu", "cpu,cpuacct"].flatMap((name) => levels(`${ROOT}/${name}`, groups.get("cpu")));
  const memory = levels(`${ROOT}/memory`, groups.get("memory"));
  const quota = least([
    ...unified.map((folder) => {
      const [granted, period] = (read(`${folder}/cpu.max`) ?? "").trim().split(/\s+/);
      return quotient(granted, period);
    }),
    ...cpu.map((folder) => quotient(read(`${folder}/cpu.cfs_quota_us`), read(`${folder}/cpu.cfs_period_us`))),
  ]);
  const limit = least([
    ...unified.map((folder) => numberIn(read(`${folder}/memory.max`))),
    ...memory.map((folder) => numberIn(read(`${folder}/memory.limit_in_bytes`))),
  ]);
  return {
    cores: Math.max(1, Math.min(affinity, Math.round(quota ?? affinity))),
    memory: limit === undefined || limit >= UNLIMITED ? undefined : limit,
  };
}

function thisMachine(): MachineSources {
  return {
    affinity: availableParallelism(),
    read(path) {
      try {
        return readFileSync(path, "utf8");
      } catch {
        return undefined;
      }
    },
  };
}
