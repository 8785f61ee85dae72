import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
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
  /** Posted with each request; undefined: they are GETs. */
  readonly form?: string;
}

/** What wrk saw of the time that answers take, in milliseconds. */
export interface Latency extends LoadResult {
  readonly p99: number;
}

const UNITS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000 };

/** {@link runWrk} with the 99th percentile of the latency: Infinity where nothing was answered in all the time. */
export async function runWrkLatency(options: WrkOptions): Promise<Latency> {
  const stdout = await callWrk(options, ["--latency"]);
  if (/^\s+0 requests in/m.test(stdout)) return { operations: 0, seconds: options.seconds, digests: [], p99: Infinity };
  const [, value, unit] = /^\s+99%\s+([\d.]+)(us|ms|s)\s*$/m.exec(stdout) ?? [];
  if (value === undefined || unit === undefined) throw new Error(`wrk told no latency:\n${stdout}`);
  return { ...readWrk(stdout), p99: Number(value) * (UNITS[unit] ?? Number.NaN) };
}

/** Requests over keep-alive connections with wrk, one thread. Throws unless every answer was 2xx or 3xx on a sound connection. */
export async function runWrk(options: WrkOptions): Promise<LoadResult> {
  return readWrk(await callWrk(options, []));
}

async function callWrk(options: WrkOptions, flags: readonly string[]): Promise<string> {
  const { form } = options;
  if (form !== undefined) {
    await using folder = await makeTemporaryFolder("wrk");
    const script = join(folder.path, "post.lua");
    const type = 'wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"';
    await writeFile(script, `wrk.method = "POST"\nwrk.body = ${JSON.stringify(form)}\n${type}\n`);
    return await execWrk(options, [...flags, "-s", script]);
  }
  return execWrk(options, flags);
}

async function execWrk(options: WrkOptions, flags: readonly string[]): Promise<string> {
  const headers = (options.headers ?? []).flatMap((header) => ["-H", header]);
  const args = [
    "-t1",
    `-c${options.connections}`,
    `-d${options.seconds}s`,
    "--timeout",
    "60s",
    ...flags,
    ...headers,
    options.url,
  ];
  return (await execute(programPath("wrk"), args)).stdout;
}

function readWrk(stdout: string): LoadResult {
  const trouble = /^.*(?:Non-2xx|Socket errors).*$/m.exec(stdout);
  const counted = /(\d+) requests in/.exec(stdout)?.[1];
  const rate = /^Requests\/sec:\s+([\d.]+)/m.exec(stdout)?.[1];
  if (trouble !== null || counted === undefined || rate === undefined || Number(counted) === 0) {
    throw new Error(`wrk failed: ${trouble?.[0].trim() ?? stdout}`);
  }
  // wrk rounds the duration it prints; the rate is from its own clock.
  return { operations: Number(counted), seconds: Number(counted) / Number(rate), digests: [] };
}
