import { clientAt } from "../server/push.js";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { freePort } from "@longshore/testkit/loopback";
import { serveRegistry, type ServedRegistry } from "../server/process.js";
import {
  randomContent,
  pushBlob,
  manifestOf,
  OCI_MANIFEST,
  OCI_CONFIG,
  describeContent,
  expectStatus,
  pushManifest,
} from "@longshore/testkit/fixtures";
import { startOtlpReceiver, type OtlpReceiver, type ReceivedSpan } from "./otlp-receiver.js";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const CALLER = "b7ad6b7169203331";
const PREFIX = "io.cncf.distribution.storage";

/** Batches that don't wait for more. */
const AT_ONCE = { OTEL_BSP_SCHEDULE_DELAY: "50" };

function traceparent(flags = "01"): Record<string, string> {
  return { traceparent: `00-${TRACE}-${CALLER}-${flags}`, connection: "close" };
}

/** Pushes a small image as the caller of {@link CALLER}. */
async function pushImage(registry: ServedRegistry, name: string): Promise<void> {
  const client = clientAt(registry.port, traceparent());
  const config = randomContent(10_000);
  await pushBlob(client, name, config);
  const manifest = manifestOf({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: describeContent(config, OCI_CONFIG),
    layers: [],
  });
  const pushed = expectStatus(await pushManifest(client, name, manifest, OCI_MANIFEST, "latest"), 201);
  expect(pushed.headers["docker-content-digest"]).toBe(manifest.digest);
}

async function spanNamed(receiver: OtlpReceiver, name: string): Promise<ReceivedSpan> {
  return expect
    .poll(() => receiver.spans.find((span) => span.name === name))
    .toBeDefined()
    .then(() => {
      const found = receiver.spans.find((span) => span.name === name);
      if (found === undefined) throw new Error(`no span ${name}`);
      return found;
    });
}

describe("a collector", () => {
  it("receives a push as children of the caller's span, without secrets", async () => {
    await using receiver = await startOtlpReceiver();
    await using registry = await serveRegistry({
      environment: { ...AT_ONCE, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint },
    });
    await pushImage(registry, "team/app");
    const put = await spanNamed(receiver, "PUT /v2/{name}/manifests/{reference}");
    expect(put).toMatchObject({
      traceId: TRACE,
      parentSpanId: CALLER,
      kind: 2,
      status: 0,
      attributes: {
        "http.request.method": "PUT",
        "http.route": "/v2/{name}/manifests/{reference}",
        "http.response.status_code": 201,
        "url.path": "/v2/team/app/manifests/latest",
        "url.scheme": "http",
        "server.address": "127.0.0.1",
        "server.port": registry.port,
        "network.protocol.version": "1.1",
        "longshore.repository": "team/app",
        "longshore.reference": "latest",
      },
      resource: { "service.name": "distribution", "longshore.process": "single", "process.pid": registry.pid },
    });
    expect(put.duration).toBeGreaterThan(0n);

    const children = receiver.spans.filter((span) => span.parentSpanId === put.spanId);
    expect(children.find((span) => span.name === "Authorize")?.attributes).toEqual({
      "longshore.auth.controller": "none",
      "longshore.auth.accesses": ["repository:team/app:pull", "repository:team/app:push"],
      "longshore.auth.outcome": "allowed",
    });
    const written = children.filter((span) => span.name === "PutContent").map((span) => span.attributes);
    expect(written).toContainEqual({
      [`${PREFIX}.driver.name`]: "filesystem",
      [`${PREFIX}.path`]: "/docker/registry/v2/repositories/team/app/_manifests/tags/latest/current/link",
      [`${PREFIX}.content.length`]: 71,
    });
    expect(new Set(children.map((span) => span.traceId))).toEqual(new Set([TRACE]));

    const upload = await spanNamed(receiver, "PUT /v2/{name}/blobs/uploads/{uuid}");
    const writer = receiver.spans.find((span) => span.name === "Writer" && span.parentSpanId === upload.spanId);
    expect(writer?.attributes).toMatchObject({ [`${PREFIX}.content.length`]: 10_000 });
    // The upload's state signs who may go on with it.
    expect(JSON.stringify(receiver.spans.map(({ attributes }) => attributes))).not.toMatch(/_state|digest=/);

    await expect
      .poll(() => registry.stderr())
      .toMatch(new RegExp(`msg="response completed" .*span_id=${put.spanId} trace_id=${TRACE} .*vars\\.name=team/app`));
    await expect.poll(() => registry.stdout()).toContain(` trace_id=${TRACE} span_id=${put.spanId}\n`);
  });

  it("gets the remaining spans of every worker when the registry stops, with the name and attributes from the environment", async () => {
    await using receiver = await startOtlpReceiver();
    await using registry = await serveRegistry({
      http: { workers: 2 },
      environment: {
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${receiver.endpoint}/v1/traces`,
        OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20for-the-collector",
        OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
        OTEL_SERVICE_NAME: "images",
        OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test",
        // Longer than this test: only the stop can have sent them.
        OTEL_BSP_SCHEDULE_DELAY: "600000",
      },
    });
    for (let count = 0; count < 8; count += 1) {
      await fetch(`http://127.0.0.1:${registry.port}/v2/`, { headers: { connection: "close" } });
    }
    expect(receiver.spans).toEqual([]);
    registry.kill("SIGTERM");
    expect(await registry.exited).toBe(0);
    const requests = receiver.spans.filter((span) => span.name === "GET /v2/");
    expect(requests).toHaveLength(8);
    expect(new Set(requests.map((span) => span.traceId)).size).toBe(8);
    expect(requests.map((span) => span.parentSpanId)).toEqual(Array.from({ length: 8 }, () => ""));
    const resources = requests.map((span) => span.resource);
    expect(new Set(resources.map((resource) => resource["longshore.process"]))).toEqual(
      new Set(["worker-1", "worker-2"]),
    );
    expect(resources[0]).toMatchObject({ "service.name": "images", "deployment.environment.name": "test" });
    expect(receiver.requests[0]?.headers.authorization).toBe("Bearer for-the-collector");
    expect(registry.stderr()).not.toContain("for-the-collector");
  });

  it("gets the sampled spans, and callers decide about their own traces", async () => {
    await using receiver = await startOtlpReceiver();
    await using registry = await serveRegistry({
      environment: {
        ...AT_ONCE,
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
        OTEL_TRACES_SAMPLER: "parentbased_always_off",
      },
    });
    const origin = `http://127.0.0.1:${registry.port}`;
    await fetch(`${origin}/v2/`);
    await fetch(`${origin}/v2/`, { headers: traceparent("00") });
    await fetch(`${origin}/v2/_catalog`, { headers: traceparent("01") });
    registry.kill("SIGTERM");
    await registry.exited;
    expect(receiver.spans.filter((span) => span.kind === 2).map((span) => span.name)).toEqual(["GET /v2/_catalog"]);
  });

  it("that is unreachable causes one log line, fails no request, and doesn't delay a stop", async () => {
    await using registry = await serveRegistry({
      environment: { ...AT_ONCE, OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}` },
    });
    for (let count = 0; count < 20; count += 1) {
      expect((await fetch(`http://127.0.0.1:${registry.port}/v2/`)).status).toBe(200);
    }
    await registry.logged(/tracing: spans could not be sent: .*ECONNREFUSED/);
    const asked = Date.now();
    registry.kill("SIGTERM");
    expect(await registry.exited).toBe(0);
    expect(Date.now() - asked).toBeLessThan(5000);
    expect(registry.stderr().match(/spans could not be sent/g)).toHaveLength(1);
    expect(registry.stderr()).not.toMatch(/node_modules|\bat \S+:\d+/);
  });
});

describe("tracing", () => {
  it("is disabled unless an exporter is configured: nothing of it is loaded, and log lines are Distribution's", async () => {
    // The API alone is there in any case: the metrics library has it.
    const program = `
      const SDK = new RegExp("@opentelemetry/(?!api/)");
      const { openTracing } = await import(${JSON.stringify(moduleUrl("tracing/open-tracing.js"))});
      await import(${JSON.stringify(moduleUrl("index.js"))});
      const identity = { version: "1", instance: "i", process: "single", prefix: "/" };
      const log = { warn() {}, info() {}, error() {}, debug() {} };
      const loaded = () => Object.keys(process.getBuiltinModule("module")._cache).filter((name) => SDK.test(name)).length;
      const tracing = await openTracing({}, identity, log);
      const before = loaded();
      const on = await openTracing({ OTEL_TRACES_EXPORTER: "otlp" }, identity, log);
      console.log(JSON.stringify([tracing === undefined, before, on !== undefined, loaded() > 0]));
      await on.close();`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program]);
    expect(JSON.parse(stdout)).toEqual([true, 0, true, true]);
  });

  it("refuses unsupported protocols by name, and the registry serves", async () => {
    await using registry = await serveRegistry({
      http: { workers: 2 },
      environment: { OTEL_TRACES_EXPORTER: "otlp,zipkin", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" },
    });
    expect((await fetch(`http://127.0.0.1:${registry.port}/v2/`)).status).toBe(200);
    expect(registry.stderr().match(/tracing: OTLP over grpc is not supported/g)).toHaveLength(1);
    expect(registry.stderr().match(/names zipkin, which is not supported/g)).toHaveLength(1);
    await expect.poll(() => registry.stdout()).toMatch(/"GET \/v2\/ HTTP\/1\.1" 200 2 "" "[^"]*"\n$/);
  });
});

function moduleUrl(path: string): string {
  return new URL(`../../../packages/registry/dist/${path}`, import.meta.url).href;
}
