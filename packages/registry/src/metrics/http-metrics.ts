import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** Counts requests on matched routes under Distribution's names (wire contract §9.2). */
export interface HttpMetrics {
  /**
   * Call once for each completed response, with the route's label. Sizes are in bytes; `seconds` counts from the arrival of
   * the request's head.
   */
  observe(
    handler: string,
    method: string,
    status: number,
    seconds: number,
    requestSize: number,
    responseSize: number,
  ): void;
}

const HANDLERS = ["base", "tags", "manifest", "blob", "blob_upload", "blob_upload_chunk", "catalog"] as const;
const KNOWN_METHODS = new Set([
  "get",
  "put",
  "head",
  "post",
  "delete",
  "connect",
  "options",
  "notify",
  "trace",
  "patch",
]);
const DURATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60];
/** 1 KiB to 2 GiB. */
const SIZE_BUCKETS = Array.from({ length: 22 }, (_, power) => 1024 * 2 ** power);

/**
 * Registers the HTTP metrics. `inFlight` is called at each scrape and returns the number of requests in progress on each
 * route.
 */
export function createHttpMetrics(registry: Registry, inFlight: () => ReadonlyMap<string, number>): HttpMetrics {
  const registers = [registry];
  const requests = new Counter({
    name: "registry_http_requests_total",
    help: "Total number of HTTP requests made.",
    labelNames: ["handler", "code", "method"],
    registers,
  });
  const duration = new Histogram({
    name: "registry_http_request_duration_seconds",
    help: "The HTTP request latencies in seconds.",
    labelNames: ["handler", "method"],
    buckets: DURATION_BUCKETS,
    registers,
  });
  const requestSize = new Histogram({
    name: "registry_http_request_size_bytes",
    help: "The HTTP request sizes in bytes.",
    labelNames: ["handler"],
    buckets: SIZE_BUCKETS,
    registers,
  });
  const responseSize = new Histogram({
    name: "registry_http_response_size_bytes",
    help: "The HTTP response sizes in bytes.",
    labelNames: ["handler"],
    buckets: SIZE_BUCKETS,
    registers,
  });
  new Gauge({
    name: "registry_http_in_flight_requests",
    help: "The in-flight HTTP requests",
    labelNames: ["handler"],
    registers,
    collect() {
      const counts = inFlight();
      for (const handler of new Set([...HANDLERS, ...counts.keys()])) this.set({ handler }, counts.get(handler) ?? 0);
    },
  });
  return {
    observe(handler, method, status, seconds, requestBytes, responseBytes) {
      const lower = method.toLowerCase();
      const known = KNOWN_METHODS.has(lower) ? lower : "unknown";
      requests.inc({ handler, code: status, method: known });
      duration.observe({ handler, method: known }, seconds);
      requestSize.observe({ handler }, requestBytes);
      responseSize.observe({ handler }, responseBytes);
    },
  };
}
