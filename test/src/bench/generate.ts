import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { LoadJob, LoadResult } from "./load/job.js";
import { parseResult } from "./load/parse.js";
import { programPath } from "./programs.js";

const execute = promisify(execFile);
const LOAD = fileURLToPath(new URL("./load/main.js", import.meta.url));

/** Runs a load in a process of its own. Throws with what it said if any of its requests failed. */
export async function runLoad(job: LoadJob): Promise<LoadResult> {
  const { stdout } = await execute(process.execPath, [LOAD, JSON.stringify(job)]);
  return parseResult(stdout);
}

export interface WrkOptions {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  /** Sent with each request, `Name: value`. */
  readonly headers?: readonly string[];
}

/** GETs over keep-alive connections with wrk, one thread. Throws unless every answer was 2xx or 3xx on a sound connection. */
export async function runWrk(options: WrkOptions): Promise<LoadResult> {
  const headers = (options.headers ?? []).flatMap((header) => ["-H", header]);
  const args = ["-t1", `-c${options.connections}`, `-d${options.seconds}s`, ...headers, options.url];
  const { stdout } = await execute(programPath("wrk"), args);
  const trouble = /^.*(?:Non-2xx|Socket errors).*$/m.exec(stdout);
  const counted = /(\d+) requests in/.exec(stdout)?.[1];
  const rate = /^Requests\/sec:\s+([\d.]+)/m.exec(stdout)?.[1];
  if (trouble !== null || counted === undefined || rate === undefined || Number(counted) === 0) {
    throw new Error(`wrk ${args.join(" ")} failed: ${trouble?.[0].trim() ?? stdout}`);
  }
  // wrk rounds the duration it prints; the rate is from its own clock.
  return { operations: Number(counted), seconds: Number(counted) / Number(rate), digests: [] };
}
