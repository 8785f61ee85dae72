import { expect, it } from "vitest";
import {
  contentOf,
  describeContent,
  DOCKER_LIST,
  DOCKER_MANIFEST,
  expectStatus,
  pushBlob,
  manifestOf,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_MANIFEST,
  type Content,
} from "@longshore/testkit/fixtures";
import type { Ask } from "@longshore/testkit/http-client";
import { describePeers } from "@longshore/testkit/peers";
import { startReceiver, type Receiver } from "./receiver.js";
import { startNotifying, type NotifyingRegistry } from "./site.js";

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** Byte for byte, but for what differs from run to run: ids, times and ports. */
function normalise(body: string, host: string): string {
  return body
    .replaceAll(UUID, "<uuid>")
    .replaceAll(host, "<registry>")
    .replace(/"timestamp": "\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)"/g, '"timestamp": "<time>"')
    .replace(/"addr": "127\.0\.0\.1:\d+"/g, '"addr": "127.0.0.1:<port>"')
    .replace(/"addr": "([^":]+):\d+"/g, '"addr": "$1:<port>"');
}

const CONFIG = contentOf('{"architecture":"amd64","os":"linux","a":"<&>"}');
const LAYER = contentOf("a layer");
const IMAGE = manifestOf({
  schemaVersion: 2,
  mediaType: DOCKER_MANIFEST,
  config: describeContent(CONFIG, "application/vnd.docker.container.image.v1+json"),
  layers: [describeContent(LAYER, "application/vnd.docker.image.rootfs.diff.tar.gzip")],
});
const LIST = manifestOf({
  schemaVersion: 2,
  mediaType: DOCKER_LIST,
  manifests: [{ ...describeContent(IMAGE, DOCKER_MANIFEST), platform: { architecture: "amd64", os: "linux" } }],
});
const OCI_IMAGE = manifestOf({
  schemaVersion: 2,
  mediaType: OCI_MANIFEST,
  config: describeContent(CONFIG, OCI_CONFIG),
  layers: [
    {
      ...describeContent(LAYER, "application/vnd.oci.image.layer.v1.tar+gzip"),
      annotations: { "org.opencontainers.image.title": "b<c>", a: "first" },
    },
  ],
});
const INDEX = manifestOf({
  schemaVersion: 2,
  mediaType: OCI_INDEX,
  manifests: [
    { ...describeContent(OCI_IMAGE, OCI_MANIFEST), platform: { architecture: "arm64", os: "linux", variant: "v8" } },
  ],
});
const ALL = [DOCKER_MANIFEST, DOCKER_LIST, OCI_MANIFEST, OCI_INDEX].join(", ");

/** What a client does, with the status that both registries answer. */
function* actions(): Generator<Ask & { readonly status: number }> {
  const blob = `/v2/team/app/blobs/${LAYER.digest}`;
  const etag = `"${LAYER.digest}"`;
  yield { method: "HEAD", path: blob, status: 200 };
  yield { path: blob, status: 200, headers: { "User-Agent": 'agent <1> & "2"' } };
  yield { path: blob, status: 206, headers: { Range: "bytes=0-2" } };
  // 2.8 announces more than it sends with a 416, and a client that asks with GET never sees its end.
  yield { method: "HEAD", path: blob, status: 416, headers: { Range: "bytes=100-200" } };
  yield { path: blob, status: 304, headers: { "If-None-Match": etag } };
  yield { path: `/v2/team/app/blobs/sha256:${"0".repeat(64)}`, status: 404 };
  yield { method: "POST", path: `/v2/other/blobs/uploads/?mount=${LAYER.digest}&from=team/app`, status: 201 };
  const manifests = "/v2/team/app/manifests";
  const put = (reference: string, { bytes }: Content, type: string): Ask & { status: number } => ({
    method: "PUT",
    path: `${manifests}/${reference}`,
    headers: { "Content-Type": type, Authorization: `Basic ${Buffer.from("alice:secret").toString("base64")}` },
    body: bytes,
    status: 201,
  });
  yield put("1.0", IMAGE, DOCKER_MANIFEST);
  yield put("1.0", IMAGE, DOCKER_MANIFEST);
  yield put("latest", IMAGE, DOCKER_MANIFEST);
  yield put(IMAGE.digest, IMAGE, DOCKER_MANIFEST);
  yield put("list", LIST, DOCKER_LIST);
  yield put("oci", OCI_IMAGE, OCI_MANIFEST);
  yield put("index", INDEX, OCI_INDEX);
  const forwarded = { "X-Forwarded-For": "203.0.113.9, 10.0.0.1", Accept: ALL };
  yield { path: `${manifests}/1.0`, status: 200, headers: forwarded };
  yield { path: `${manifests}/1.0`, status: 200, headers: { "X-Real-Ip": "203.0.113.7", Accept: ALL } };
  yield { path: `${manifests}/1.0`, status: 200, headers: { "X-Forwarded-For": "nobody", Accept: ALL } };
  yield { method: "HEAD", path: `${manifests}/1.0`, status: 200, headers: { Accept: ALL } };
  yield { path: `${manifests}/${IMAGE.digest}`, status: 200, headers: { Accept: ALL } };
  yield { path: `${manifests}/1.0`, status: 304, headers: { Accept: ALL, "If-None-Match": `"${IMAGE.digest}"` } };
  yield { path: `${manifests}/oci`, status: 404, headers: { Accept: DOCKER_MANIFEST } };
  yield { path: `${manifests}/index`, status: 200, headers: { Accept: ALL } };
  yield { path: `${manifests}/list`, status: 200, headers: { Accept: DOCKER_MANIFEST } };
  yield { path: `${manifests}/nothing`, status: 404, headers: { Accept: ALL } };
  yield { method: "GET", path: "/v2/_catalog", status: 200 };
  yield { method: "GET", path: "/v2/team/app/tags/list", status: 200 };
  yield { method: "DELETE", path: `${manifests}/${IMAGE.digest}`, status: 202 };
  yield { method: "DELETE", path: `/v2/other/blobs/${LAYER.digest}`, status: 202 };
}

/** Everything that `receiver` was sent while `registry` was asked for all of it. */
async function record(registry: NotifyingRegistry, receiver: Receiver): Promise<string[]> {
  const { client, host } = registry;
  await pushBlob(client, "team/app", CONFIG);
  await pushBlob(client, "team/app", LAYER);
  for (const { status, ...ask } of actions()) expectStatus(await client.ask(ask), status);
  const last = contentOf("the last");
  await pushBlob(client, "end", last);
  await expect.poll(() => receiver.deliveries.some(({ body }) => body.includes(last.digest))).toBe(true);
  return inAnyOrder(receiver.deliveries.map(({ body }) => normalise(body, host)));
}

/** The tags that go with a manifest are told of in any order (wire contract §8.4). */
function inAnyOrder(bodies: readonly string[]): string[] {
  const isTagDelete = (body: string): boolean => body.includes('"action": "delete"') && body.includes('"tag"');
  const sorted = bodies.filter(isTagDelete).sort();
  return bodies.map((body) => (isTagDelete(body) ? (sorted.shift() ?? "") : body));
}

describePeers("Distribution's events", ["docker-registry"], () => {
  it("are ours, byte for byte, for the same requests", async () => {
    await using theirs = await startReceiver();
    await using ours = await startReceiver();
    const section = (receiver: Receiver, more: object): unknown => ({
      events: { includereferences: true },
      endpoints: [{ name: "e", url: receiver.url, timeout: "5s", threshold: 3, backoff: "1s", ...more }],
    });
    await using original = await startNotifying({ kind: "docker-registry", notifications: section(theirs, {}) });
    const expected = await record(original, theirs);
    await using registry = await startNotifying({ notifications: section(ours, { format: "v1" }), workers: 2 });
    const actual = await record(registry, ours);
    expect(actual).toEqual(expected);
    expect(ours.deliveries[0]?.headers["content-type"]).toBe(theirs.deliveries[0]?.headers["content-type"]);
  });
});
