import { describe, expect, it } from "vitest";
import type { ConnectionSource } from "../../src/metrics/connection-metrics.js";
import { exposeMetrics } from "../../src/metrics/expose.js";
import { createMetrics } from "../../src/metrics/metrics.js";

const CONNECTIONS: ConnectionSource = {
  size: 5,
  idle: 3,
  uploads: 2,
  counts: { opened: 7, crowdedOut: 1, stalled: 0 },
  inFlight: () => new Map([["blob", 1]]),
};

describe("metrics", () => {
  it("have Distribution's names, labels and buckets, and are summed over processes", async () => {
    const processes = [1, 2].map((slot) =>
      createMetrics({ process: `worker-${slot}`, version: "1.2.3", connections: CONNECTIONS }),
    );
    for (const { http, storage } of processes) {
      http.observe("manifest", "GET", 200, 0.003, 100, 5000);
      http.observe("manifest", "BREW", 405, 61, 100, 0);
      storage.driver("filesystem").call("Stat", 0.002, undefined);
      storage.cache.lookup?.(true);
      storage.cache.lookup?.(false);
    }
    const snapshots = await Promise.all(processes.map((metrics) => metrics.snapshot()));
    // As between processes: through serialisation.
    const { body, contentType } = await exposeMetrics(snapshots.map((snapshot) => structuredClone(snapshot)));
    expect(contentType).toMatch(/^text\/plain; version=0\.0\.4/);
    const lines = body.split("\n");
    for (const line of [
      "# HELP registry_http_requests_total Total number of HTTP requests made.",
      "# TYPE registry_http_requests_total counter",
      'registry_http_requests_total{handler="manifest",code="200",method="get"} 2',
      'registry_http_requests_total{handler="manifest",code="405",method="unknown"} 2',
      'registry_http_request_duration_seconds_bucket{le="0.005",handler="manifest",method="get"} 2',
      'registry_http_request_duration_seconds_bucket{le="60",handler="manifest",method="unknown"} 0',
      'registry_http_request_duration_seconds_bucket{le="+Inf",handler="manifest",method="unknown"} 2',
      'registry_http_request_size_bytes_bucket{le="1024",handler="manifest"} 4',
      'registry_http_response_size_bytes_bucket{le="8192",handler="manifest"} 4',
      'registry_http_response_size_bytes_bucket{le="2.147483648e+09",handler="manifest"} 4',
      'registry_http_response_size_bytes_bucket{le="524288",handler="manifest"} 4',
      'registry_http_response_size_bytes_bucket{le="1.048576e+06",handler="manifest"} 4',
      'registry_http_in_flight_requests{handler="blob"} 2',
      'registry_http_in_flight_requests{handler="catalog"} 0',
      'registry_storage_action_seconds_bucket{le="0.005",driver="filesystem",action="Stat"} 2',
      "registry_storage_cache_requests_total 4",
      "registry_storage_cache_hits_total 2",
      "registry_storage_cache_errors_total 0",
      'registry_storage_action_seconds_bucket{le="10",driver="filesystem",action="Stat"} 2',
    ]) {
      expect(lines).toContain(line);
    }
    expect(body).toMatch(/^process_cpu_seconds_total \d/m);
    const started = Number(/^process_start_time_seconds (\S+)$/m.exec(body)?.[1]);
    expect(Math.abs(Date.now() / 1000 - process.uptime() - started)).toBeLessThan(60);
    expect(body).not.toContain('le="20"');
  });
});
