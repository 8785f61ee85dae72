import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findProgram } from "@longshore/testkit/peer-list";
import { freePort } from "@longshore/testkit/loopback";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { deployedPath } from "./deployed.js";

/** Debian's Prometheus, scraping one registry with the configuration that is shipped. */
export interface Prometheus extends AsyncDisposable {
  /** What a query gives now: one entry a series. */
  query(expression: string): Promise<readonly { labels: Record<string, string>; value: number }[]>;
  /** The document of an API path. */
  api(path: string): Promise<unknown>;
}

/** Starts it over `target` (`host:port`), scraping every half second so that a test needn't wait for a minute. */
export async function startPrometheus(target: string): Promise<Prometheus> {
  const folder = await makeTemporaryFolder("prometheus");
  const shipped = await readFile(deployedPath("prometheus.yml"), "utf8");
  const configuration = shipped
    .replace("registry:5001", target)
    .replaceAll(/_interval: 15s/g, "_interval: 500ms")
    .replace("- alerts.yml", `- ${deployedPath("alerts.yml")}`);
  await writeFile(join(folder.path, "prometheus.yml"), configuration);
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(
    findProgram("prometheus") ?? "prometheus",
    [
      `--config.file=${join(folder.path, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder.path, "data")}`,
      `--web.listen-address=${address}`,
      "--log.level=error",
    ],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  const exited = once(child, "exit");
  const api = async (path: string): Promise<unknown> => {
    const response = await fetch(`http://${address}/api/v1/${path}`);
    const document: unknown = await response.json();
    if (!response.ok) throw new Error(JSON.stringify(document));
    return document;
  };
  return {
    api,
    query: async (expression) => samplesOf(await api(`query?query=${encodeURIComponent(expression)}`)),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
      await folder[Symbol.asyncDispose]();
    },
  };
}

function samplesOf(document: unknown): { labels: Record<string, string>; value: number }[] {
  const result = property(property(document, "data"), "result");
  if (!Array.isArray(result)) throw new Error("no vector");
  return (result as readonly unknown[]).map((series) => {
    const metric = property(series, "metric");
    const value = property(series, "value");
    if (typeof metric !== "object" || metric === null || !Array.isArray(value)) throw new Error("no sample");
    return {
      labels: Object.fromEntries(Object.entries(metric).map(([name, text]) => [name, String(text)])),
      value: Number(value[1]),
    };
  });
}

function property(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
