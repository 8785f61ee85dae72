import { createHmac } from "node:crypto";
import { beforeEach, expect, it } from "vitest";
import {
  digestOf,
  expectStatus,
  OCI_INDEX,
  OCI_MANIFEST,
  pushBlob,
  pushImage,
  randomContent,
  startUpload,
  withQuery,
  type Content,
} from "@longshore/testkit/fixtures";
import { connectRaw, type HttpClient } from "@longshore/testkit/http-client";
import { SECRET } from "@longshore/testkit/start-registry";
import { describeStorages } from "./storages.js";

/** A request that must change nothing. */
interface Attack {
  readonly title: string;
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly status: number;
  readonly code?: string;
}

const DIGEST = digestOf("nobody has this");
const MANIFEST = { "content-type": OCI_MANIFEST };

const TRAVERSALS: readonly Attack[] = [
  ["raw", "/v2/victim/../../../../etc/passwd", 301],
  ["encoded", "/v2/victim/manifests/%2e%2e%2f%2e%2e%2fetc%2fpasswd", 301],
  ["with encoded slashes", "/v2/victim%2f..%2f..%2fother/manifests/latest", 301],
  ["in the name", "/v2/%2e%2e/manifests/latest", 301],
  ["encoded twice", "/v2/victim/manifests/%252e%252e%252fetc", 404],
  ["with backslashes", "/v2/victim/manifests/..%5c..%5cetc", 404],
  ["with a null", "/v2/victim/manifests/latest%00.json", 404],
  ["as an upload id", "/v2/victim/blobs/uploads/..%2f..%2fetc", 301],
  ["as an upload id of dots", "/v2/victim/blobs/uploads/..", 301],
  ["as a digest", "/v2/victim/blobs/sha256:..%2f..%2fetc", 301],
  ["overlong UTF-8", "/v2/victim/manifests/%c0%ae%c0%ae%c0%af", 400],
  ["half an escape", "/v2/victim/manifests/%2", 400],
].flatMap(([title, path, status]) =>
  ["GET", "PUT", "DELETE"].map((method) => ({
    title: `${String(title)} traversal, ${method}`,
    method,
    path: String(path),
    status: Number(status),
    ...(method === "PUT" ? { body: "{}", headers: MANIFEST } : {}),
  })),
);

const put = (title: string, body: string | Uint8Array, code: string, status = 400, headers = MANIFEST): Attack => ({
  title,
  method: "PUT",
  path: "/v2/victim/manifests/latest",
  headers,
  body,
  status,
  code,
});

const ATTACKS: readonly Attack[] = [
  ...TRAVERSALS,
  { title: "a name of 8 KiB", path: `/v2/${"a".repeat(8192)}/manifests/x`, status: 400, code: "NAME_INVALID" },
  {
    title: "a push to a name of 300",
    method: "PUT",
    path: `/v2/${"b".repeat(300)}/manifests/x`,
    headers: MANIFEST,
    body: "{}",
    status: 400,
    code: "NAME_INVALID",
  },
  {
    title: "an upload to a name of 300",
    method: "POST",
    path: `/v2/${"b".repeat(300)}/blobs/uploads/`,
    status: 400,
    code: "NAME_INVALID",
  },
  {
    title: "a tag of 129",
    method: "PUT",
    path: `/v2/victim/manifests/${"t".repeat(129)}`,
    headers: MANIFEST,
    body: "{}",
    status: 404,
  },
  {
    title: "an algorithm that doesn't exist",
    method: "PUT",
    path: `/v2/victim/manifests/md5:${"a".repeat(32)}`,
    headers: MANIFEST,
    body: "{}",
    status: 400,
    code: "DIGEST_INVALID",
  },
  {
    title: "an algorithm for a whole blob",
    method: "POST",
    path: `/v2/victim/blobs/uploads/?digest=sha3-256:${"a".repeat(64)}`,
    body: "x",
    status: 400,
    code: "DIGEST_INVALID",
  },
  {
    title: "a wrong digest for a whole blob",
    method: "POST",
    path: `/v2/victim/blobs/uploads/?digest=${DIGEST}`,
    body: "x",
    status: 400,
    code: "DIGEST_INVALID",
  },
  {
    title: "a digest in capitals",
    path: `/v2/victim/blobs/sha256:${"A".repeat(64)}`,
    status: 400,
    code: "DIGEST_INVALID",
  },
  {
    title: "a prototype's name",
    path: `/v2/victim/blobs/constructor:${"a".repeat(64)}`,
    status: 400,
    code: "DIGEST_INVALID",
  },
  put("a manifest that is no JSON", "<xml/>", "MANIFEST_INVALID"),
  put("a manifest that isn't UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]), "MANIFEST_INVALID"),
  put(
    "a manifest that is nested deeply",
    `{"schemaVersion":2,"x":${"[".repeat(100_000)}${"]".repeat(100_000)}}`,
    "MANIFEST_INVALID",
  ),
  put("a manifest that is too large", Buffer.alloc(4 * 1024 * 1024 + 1, " "), "MANIFEST_INVALID", 413),
  put("a manifest of a prototype", `{"__proto__":{"schemaVersion":2,"config":{}}}`, "MANIFEST_INVALID"),
  put("layers that are no list", `{"schemaVersion":2,"config":{},"layers":{"length":1}}`, "MANIFEST_INVALID"),
  put(
    "a layer that isn't there",
    JSON.stringify({
      schemaVersion: 2,
      config: { mediaType: "a/b", digest: DIGEST, size: 1 },
      layers: [{ mediaType: "a/b", digest: DIGEST, size: 1 }],
    }),
    "MANIFEST_BLOB_UNKNOWN",
  ),
  put(
    "a child that isn't there",
    JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType: OCI_MANIFEST, digest: DIGEST, size: 1 }] }),
    "MANIFEST_BLOB_UNKNOWN",
    400,
    { "content-type": OCI_INDEX },
  ),
  put(
    "a child by a path",
    JSON.stringify({
      schemaVersion: 2,
      manifests: [{ mediaType: OCI_MANIFEST, digest: "sha256:../../../etc", size: 1 }],
    }),
    "MANIFEST_INVALID",
    400,
    { "content-type": OCI_INDEX },
  ),
  {
    title: "schema 1",
    method: "PUT",
    path: "/v2/victim/manifests/old",
    headers: { "content-type": "application/vnd.docker.distribution.manifest.v1+prettyjws" },
    body: '{"schemaVersion":1}',
    status: 400,
    code: "MANIFEST_INVALID",
  },
];

describeStorages("hostile input", ({ client, api, storage }) => {
  let victim: Content | undefined;
  let before: readonly string[] = [];

  beforeEach(async () => {
    victim ??= (await pushImage(client(), "victim", "latest")).manifest;
    before = await api().inventory();
  });

  const unharmed = async (): Promise<void> => {
    expect(await api().inventory()).toEqual(before);
    const answer = await client().ask({ path: "/v2/victim/manifests/latest" });
    expect([answer.status, answer.headers["docker-content-digest"]]).toEqual([200, victim?.digest]);
  };

  it.each(ATTACKS)("$title", async ({ method = "GET", path, headers = {}, body, status, code }) => {
    const answer = await client().ask({ method, path, headers, body });
    expect([answer.status, answer.code()]).toEqual([status, code]);
    expect(answer.text()).not.toMatch(/node_modules|\.js:|at \w+ \(/);
    await unharmed();
  });

  it.each([
    ["a traversal", "GET /v2/../../../etc/passwd HTTP/1.1", "301"],
    ["an absolute URL to elsewhere", "GET http://other.example/v2/victim/../../etc HTTP/1.1", "301"],
    ["an absolute URL to nowhere", "GET http://[::1/v2/victim/tags/list HTTP/1.1", "400"],
    ["bytes that are no ASCII", "GET /v2/victim/manifests/\xff\xfe HTTP/1.1", "400"],
    ["a null", "GET /v2/victim/manifests/a\0b HTTP/1.1", "400"],
    ["no path at all", "GET  HTTP/1.1", "400"],
    ["an asterisk", "OPTIONS * HTTP/1.1", "404"],
    ["no method that is one", "STEAL /v2/ HTTP/1.1", "400"],
  ])("%s on the wire", async (_, line, status) => {
    using connection = await connectRaw(client().origin);
    connection.write(Buffer.from(`${line}\r\nHost: x\r\nConnection: close\r\n\r\n`, "latin1"));
    await connection.closed();
    expect((await connection.received(() => true)).slice(0, 12)).toBe(`HTTP/1.1 ${status}`);
    await unharmed();
  });

  it.each([
    ["two lengths", "Content-Length: 5\r\nContent-Length: 6\r\n"],
    ["a length and chunks", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"],
    ["a length that is no number", "Content-Length: 5x\r\n"],
    ["a negative length", "Content-Length: -5\r\n"],
  ])("a body with %s", async (_, headers) => {
    using connection = await connectRaw(client().origin);
    connection.write(
      `PUT /v2/victim/manifests/latest HTTP/1.1\r\nHost: x\r\nContent-Type: ${OCI_MANIFEST}\r\n${headers}\r\n0\r\n\r\n`,
    );
    await connection.closed();
    expect((await connection.received(() => true)).slice(0, 12)).toBe("HTTP/1.1 400");
    await unharmed();
  });

  it("a manifest that breaks off", async () => {
    using connection = await connectRaw(client().origin);
    connection.write(
      `PUT /v2/victim/manifests/latest HTTP/1.1\r\nHost: x\r\nContent-Type: ${OCI_MANIFEST}\r\nContent-Length: 100\r\n\r\n{"schema`,
    );
    connection.socket.end();
    await connection.closed();
    await unharmed();
  });

  it("a blob whose upload breaks off isn't stored, and the upload can be resumed", async () => {
    const content = randomContent(1000);
    const location = await startUpload(client(), "victim");
    using connection = await connectRaw(client().origin);
    const { pathname, search } = new URL(withQuery(location, { digest: content.digest }));
    connection.write(`PUT ${pathname}${search} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n`);
    connection.write(content.bytes.subarray(0, 400));
    connection.socket.end();
    await connection.closed();
    expect((await client().ask({ path: `/v2/victim/blobs/${content.digest}` })).status).toBe(404);
    // Object storage keeps nothing of a body that was to be the whole blob.
    const kept = storage.startsWith("s3") ? 0 : 400;
    const status = await waitForRange(client(), location, kept === 0 ? "0-0" : `0-${kept - 1}`);
    const rest = await client().ask({
      method: "PUT",
      path: withQuery(status, { digest: content.digest }),
      body: content.bytes.subarray(kept),
    });
    expect(rest.status).toBe(201);
    const read = await client().ask({ path: `/v2/victim/blobs/${content.digest}` });
    expect(read.body.equals(content.bytes)).toBe(true);
  });

  it.each(forgeries())("upload state that is %s", async (_, forge, detail) => {
    const location = await startUpload(client(), "victim");
    const url = new URL(location);
    url.searchParams.set("_state", forge(url.searchParams.get("_state") ?? "", url.pathname.split("/").at(-1) ?? ""));
    for (const method of ["PATCH", "PUT", "DELETE"]) {
      const path = withQuery(url.href, { digest: digestOf("x") });
      const answer = await client().ask({ method, path, ...(method === "DELETE" ? {} : { body: "x" }) });
      expect([method, answer.status, answer.code(), answer.detail()]).toEqual([
        method,
        404,
        "BLOB_UPLOAD_INVALID",
        detail,
      ]);
    }
    expectStatus(await client().ask({ method: "DELETE", path: location }), 204);
  });

  it("upload state of another session", async () => {
    const [one, two] = [await startUpload(client(), "victim"), await startUpload(client(), "other")];
    const url = new URL(one);
    url.searchParams.set("_state", new URL(two).searchParams.get("_state") ?? "");
    const answer = await client().ask({ method: "PATCH", path: url.href, body: "x" });
    expect([answer.status, answer.code(), answer.detail()]).toEqual([404, "BLOB_UPLOAD_INVALID", undefined]);
    for (const location of [one, two]) expectStatus(await client().ask({ method: "DELETE", path: location }), 204);
  });

  it("a stolen blob: known elsewhere, unknown here", async () => {
    const secret = randomContent();
    await pushBlob(client(), "vault", secret);
    const answer = await client().ask({ path: `/v2/thief/blobs/${secret.digest}` });
    expect([answer.status, answer.code()]).toEqual([404, "BLOB_UNKNOWN"]);
  });
});

type Forge = (state: string, uuid: string) => string;

function forgeries(): (readonly [string, Forge, string])[] {
  const sign = (secret: string, json: string): string => {
    const mac = createHmac("sha256", secret).update(json).digest();
    return Buffer.concat([mac, Buffer.from(json)])
      .toString("base64")
      .replaceAll("+", "-")
      .replaceAll("/", "_");
  };
  const state = (uuid: string): string =>
    JSON.stringify({ Name: "victim", UUID: uuid, Offset: 0, StartedAt: "2026-11-23T00:00:00Z" });
  return [
    ["absent", () => "", "invalid secret"],
    ["short", () => "AAAA", "invalid secret"],
    ["no base64", () => "a!b", "illegal base64 data at input byte 1"],
    ["of the wrong length", () => "abcde", "illegal base64 data at input byte 5"],
    ["changed", (text) => (text.startsWith("A") ? "B" : "A") + text.slice(1), "invalid secret"],
    ["signed with another secret", (_, uuid) => sign("guess", state(uuid)), "invalid secret"],
    ["signed and no state", () => sign(SECRET, "[]"), "invalid secret"],
    ["signed and no JSON", () => sign(SECRET, "{"), "invalid secret"],
  ];
}

/** The location of an upload, once as much has arrived: the server notices a lost client a moment later. */
async function waitForRange(client: HttpClient, location: string, range: string): Promise<string> {
  for (;;) {
    const answer = await client.ask({ path: location });
    if (answer.headers.range === range) return answer.headers.location ?? "";
    expectStatus(answer, 204);
  }
}
