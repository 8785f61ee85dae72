import { clientAt } from "../server/push.js";
import { spawn, spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { parse } from "yaml";
import { describe, expect, it } from "vitest";
import { findProgram } from "@longshore/testkit/peer-list";
import { describePeer } from "@longshore/testkit/peers";
import { freePort, serveHttp } from "@longshore/testkit/loopback";
import { serveRegistry, type ServedRegistry } from "../server/process.js";
import { randomContent, pushBlob } from "@longshore/testkit/fixtures";
import { dashboardQueries, deployedPath, metricNames, withValues } from "./deployed.js";
import { startPrometheus } from "./prometheus.js";

/** A registry with everything on that has metrics, and where they are. */
interface Measured extends AsyncDisposable {
  readonly registry: ServedRegistry;
  /** `host:port` */
  readonly debug: string;
}

async function serveMeasured(workers: number): Promise<Measured> {
  const hook = await serveHttp((request, response) => void request.resume().on("end", () => response.end()));
  const debug = `127.0.0.1:${await freePort()}`;
  const registry = await serveRegistry({
    // A port of its own, which is still there when every worker has died.
    http: { addr: `127.0.0.1:${await freePort()}`, workers, debug: { addr: debug, prometheus: { enabled: true } } },
    rest: {
      health: { storagedriver: { enabled: true } },
      notifications: { endpoints: [{ name: "hook", url: `${hook.url}/` }] },
    },
  });
  return {
    registry,
    debug,
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await hook.close();
    },
  };
}

/** A push and pulls of a small image, a list, and something that isn't there; each over its own connection. */
async function traffic(registry: ServedRegistry, name: string): Promise<void> {
  const config = randomContent(5000);
  await pushBlob(clientAt(registry.port), name, config);
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const configuration = { mediaType: "application/vnd.oci.image.config.v1+json", digest: config.digest, size: 5000 };
  const ask = async (path: string, method = "GET", body?: string): Promise<number> => {
    const response = await fetch(`http://127.0.0.1:${registry.port}/v2/${path}`, {
      method,
      headers: { connection: "close", accept: mediaType, ...(body === undefined ? {} : { "content-type": mediaType }) },
      ...(body === undefined ? {} : { body }),
    });
    await response.arrayBuffer();
    return response.status;
  };
  const manifest = JSON.stringify({ schemaVersion: 2, mediaType, config: configuration, layers: [] });
  expect(await ask(`${name}/manifests/1`, "PUT", manifest)).toBe(201);
  for (const path of ["", `${name}/manifests/1`, `${name}/manifests/1`, `${name}/blobs/${config.digest}`, "_catalog"]) {
    expect(await ask(path)).toBe(200);
  }
  expect(await ask(`${name}/manifests/none`)).toBe(404);
}

async function scrape(debug: string): Promise<string> {
  const response = await fetch(`http://${debug}/metrics`);
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  return response.text();
}

/** The samples of a scrape that only ever grow. */
function counts(scraped: string): Map<string, number> {
  const families = [...scraped.matchAll(/^# TYPE (\S+) (?:counter|histogram)$/gm)].map((match) => match[1] ?? "");
  const counted = new RegExp(`^(?:${families.join("|")})(?:_bucket|_sum|_count)?(?:\\{.*\\})? `);
  return new Map(
    scraped
      .split("\n")
      .filter((line) => counted.test(line))
      .map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
  );
}

/** Names of Distribution's families (wire contract §9.2) that are there from the first scrape on. */
const ORIGINAL: Readonly<Record<string, string>> = {
  registry_http_requests_total: "counter",
  registry_http_request_duration_seconds: "histogram",
  registry_http_request_size_bytes: "histogram",
  registry_http_response_size_bytes: "histogram",
  registry_http_in_flight_requests: "gauge",
  registry_storage_action_seconds: "histogram",
  registry_storage_cache_requests_total: "counter",
  registry_storage_cache_hits_total: "counter",
  registry_storage_cache_errors_total: "counter",
  registry_notifications_events_total: "counter",
  registry_notifications_pending_total: "gauge",
  registry_notifications_status_total: "counter",
  process_cpu_seconds_total: "counter",
  process_open_fds: "gauge",
  process_max_fds: "gauge",
  process_resident_memory_bytes: "gauge",
  process_virtual_memory_bytes: "gauge",
  process_start_time_seconds: "gauge",
  promhttp_metric_handler_requests_total: "counter",
  promhttp_metric_handler_requests_in_flight: "gauge",
};

describe("metrics", () => {
  it("have Distribution's families, and every one that the dashboard and the alerts use", async () => {
    await using measured = await serveMeasured(2);
    const { registry, debug } = measured;
    await traffic(registry, "a");
    const scraped = await scrape(debug);
    for (const [name, type] of Object.entries(ORIGINAL)) expect(scraped).toContain(`# TYPE ${name} ${type}\n`);
    const alerts = await readFile(deployedPath("alerts.yml"), "utf8");
    const asked = [...(await dashboardQueries()).map(({ expression }) => expression), alerts].flatMap(metricNames);
    expect(asked.length).toBeGreaterThan(25);
    const there = new Set([...scraped.matchAll(/^# TYPE (\S+) /gm)].map((match) => match[1]));
    const families = asked.map((name) => (there.has(name) ? name : name.replace(/_(?:bucket|sum|count)$/, "")));
    expect(families.filter((name) => !there.has(name))).toEqual([]);
  }, 60_000);

  it("never decrease when a worker dies, and its successor continues counting", async () => {
    await using measured = await serveMeasured(2);
    const { registry, debug } = measured;
    await traffic(registry, "a");
    await traffic(registry, "b");
    const before = counts(await scrape(debug));
    const children = await readFile(`/proc/${registry.pid}/task/${registry.pid}/children`, "utf8");
    for (const worker of children.trim().split(" ")) process.kill(Number(worker), "SIGKILL");
    await registry.logged(/a new worker is serving[\s\S]*a new worker is serving/);
    const after = counts(await scrape(debug));
    const backwards = [...before].filter(([series, count]) => (after.get(series) ?? 0) < count);
    expect(backwards).toEqual([]);
    expect(after.get("registry_worker_restarts_total")).toBe(2);
    const pushes = 'registry_http_requests_total{handler="manifest",code="201",method="put"}';
    expect([before.get(pushes), after.get(pushes)]).toEqual([2, 2]);
    await traffic(registry, "c");
    expect(counts(await scrape(debug)).get(pushes)).toBe(3);
  }, 60_000);

  it("have no more series after hundreds of names than before", async () => {
    await using measured = await serveMeasured(1);
    const { registry, debug } = measured;
    await traffic(registry, "a");
    const series = async (): Promise<number> => (await scrape(debug)).split("\n").length;
    await series();
    const before = await series();
    for (let count = 0; count < 300; count += 1) {
      const method = count % 2 === 0 ? "GET" : "HEAD";
      await fetch(`http://127.0.0.1:${registry.port}/v2/name${count}/manifests/tag${count}`, { method });
    }
    // A method that hadn't been seen, and its histogram.
    expect((await series()) - before).toBeLessThan(30);
  }, 60_000);
});

describePeer("prometheus", () => {
  it("accepts the metrics without a complaint", async () => {
    await using measured = await serveMeasured(2);
    const { registry, debug } = measured;
    await traffic(registry, "a");
    const check = spawn(findProgram("promtool") ?? "promtool", ["check", "metrics"]);
    const complaints = Promise.all([text(check.stdout), text(check.stderr)]);
    check.stdin.end(await scrape(debug));
    const lines = (await complaints).join("").split("\n").filter(Boolean);
    // A gauge, under Distribution's name.
    const known = 'registry_notifications_pending_total non-counter metrics should not have "_total" suffix';
    expect(lines.filter((line) => line !== known)).toEqual([]);
  }, 60_000);

  it("scrapes a registry, evaluates the alerts, and answers every query of the dashboard", async () => {
    await using measured = await serveMeasured(2);
    const { registry, debug } = measured;
    await traffic(registry, "a");
    await using prometheus = await startPrometheus(debug);
    await expect.poll(() => prometheus.query("up{job='registry'}").catch(() => [])).toMatchObject([{ value: 1 }]);
    // Rates need two scrapes with something between them.
    const queries = await dashboardQueries();
    expect(queries.length).toBeGreaterThan(30);
    const unanswered = async (): Promise<string[]> => {
      await traffic(registry, "a");
      const answers = await Promise.all(
        queries.map(async ({ panel, expression }) => {
          const samples = await prometheus.query(withValues(expression, "30s"));
          return samples.some(({ value }) => Number.isFinite(value)) ? undefined : `${panel}: ${expression}`;
        }),
      );
      // Nothing has restarted, which is what the annotation looks for.
      return answers.filter((answer): answer is string => answer?.includes("changes(process_start_time") === false);
    };
    await expect.poll(unanswered, { timeout: 30_000, interval: 1000 }).toEqual([]);
    const ready = await prometheus.query("registry_ready");
    expect(ready).toMatchObject([{ labels: { job: "registry", instance: debug }, value: 1 }]);
    const alerts = parse(await readFile(deployedPath("alerts.yml"), "utf8")) as { groups: { rules: unknown[] }[] };
    await expect
      .poll(async () => JSON.stringify(await prometheus.api("rules")).match(/"health":"ok"/g)?.length)
      .toBe(alerts.groups[0]?.rules.length);
    expect(await prometheus.query('ALERTS{alertstate="firing"}')).toEqual([]);
  }, 90_000);

  it.each([
    ["check", "rules", "alerts.yml"],
    ["test", "rules", "alerts.test.yml"],
    ["check", "config", "prometheus.yml"],
  ])("finds the shipped files good: promtool %s %s %s", (verb, noun, file) => {
    const { status, stdout, stderr } = spawnSync(findProgram("promtool") ?? "promtool", [
      verb,
      noun,
      deployedPath(file),
    ]);
    expect([status, status === 0 ? "" : `${stdout.toString()}${stderr.toString()}`]).toEqual([0, ""]);
  });
});
