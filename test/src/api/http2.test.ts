import { once } from "node:events";
import { connect, createServer, type ClientHttp2Session, type Http2Server, type IncomingHttpHeaders } from "node:http2";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createAccessController } from "@longshore/auth";
import { createApp, silentLog } from "@longshore/registry";
import { createDriver, openRegistry } from "@longshore/storage";
import { digestOf, OCI_MANIFEST, randomContent } from "@longshore/testkit/fixtures";
import { apiSettings } from "@longshore/testkit/start-registry";

let server: Http2Server | undefined;
let session: ClientHttp2Session | undefined;
let host = "";

beforeAll(async () => {
  const app = createApp({
    registry: openRegistry(await createDriver("inmemory", {})),
    access: await createAccessController("none", {}),
    ...apiSettings({ http: { headers: { "X-Configured": ["yes"] } } }),
    log: silentLog,
  });
  // The compatibility API replaces HTTP/1.1's; its types just don't say so.
  const onRequest = (...exchange: readonly unknown[]): void => void Reflect.apply(app.onRequest, undefined, exchange);
  server = createServer(onRequest).on("checkContinue", onRequest);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  host = `127.0.0.1:${address.port}`;
  session = connect(`http://${host}`);
});

afterAll(async () => {
  session?.destroy();
  await new Promise((resolve) => server?.close(resolve));
});

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

async function ask(
  method: string,
  path: string,
  body?: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  if (session === undefined) throw new Error("not connected");
  const stream = session.request({ ":method": method, ":path": path, ...headers }, { endStream: body === undefined });
  const answered = new Promise<Answer["headers"] & { ":status"?: number }>((resolve, reject) => {
    stream.once("response", resolve).once("error", reject);
  });
  if (body !== undefined) stream.end(body);
  const found = await answered;
  const chunks: Buffer[] = [];
  for await (const chunk of stream) if (chunk instanceof Buffer) chunks.push(chunk);
  return { status: found[":status"], headers: found, body: Buffer.concat(chunks) };
}

async function startUpload(): Promise<string> {
  const { status, headers } = await ask("POST", "/v2/a/blobs/uploads/");
  expect(status).toBe(202);
  const location = new URL(headers.location ?? "");
  expect(location.host).toBe(host);
  return location.pathname + location.search;
}

it("pushes and pulls over HTTP/2 as over HTTP/1.1", async () => {
  const content = randomContent(3_000_000);
  const location = await startUpload();
  const pushed = await ask("PUT", `${location}&digest=${content.digest}`, content.bytes);
  expect([pushed.status, pushed.headers["docker-content-digest"], pushed.headers["x-configured"]]).toEqual([
    201,
    content.digest,
    "yes",
  ]);
  const pulled = await ask("GET", `/v2/a/blobs/${content.digest}`);
  expect([pulled.status, pulled.headers["content-length"]]).toEqual([200, "3000000"]);
  expect(pulled.body.equals(content.bytes)).toBe(true);
  const part = await ask("GET", `/v2/a/blobs/${content.digest}`, undefined, { range: "bytes=5-9" });
  expect([part.status, part.body.equals(content.bytes.subarray(5, 10))]).toEqual([206, true]);
  const head = await ask("HEAD", `/v2/a/blobs/${content.digest}`);
  expect([head.status, head.body.length, head.headers["content-length"]]).toEqual([200, 0, "3000000"]);
});

it("refuses over HTTP/2 with the same envelope", async () => {
  const answer = await ask("PUT", "/v2/a/manifests/x", Buffer.from("{"), { "content-type": OCI_MANIFEST });
  expect(answer.status).toBe(400);
  expect(JSON.parse(answer.body.toString())).toMatchObject({ errors: [{ code: "MANIFEST_INVALID" }] });
  const missing = await ask("GET", `/v2/a/blobs/${digestOf("x")}`);
  expect(missing.status).toBe(404);
});

it.each([
  ["unread", "PATCH", "/v2/a/blobs/uploads/x?_state=AAAA", 404],
  ["half read", "PUT", "/v2/a/manifests/x", 413],
])("stops a client that sends a body that is refused %s, and keeps the connection", async (_, method, path, status) => {
  if (session === undefined) throw new Error("not connected");
  const length = 2 ** 28;
  const stream = session.request({ ":method": method, ":path": path, "content-type": OCI_MANIFEST });
  let sent = 0;
  const send = (): void => {
    while (!stream.destroyed && !stream.closed && sent < length) {
      sent += 65536;
      if (!stream.write(Buffer.alloc(65536))) return void stream.once("drain", send);
    }
  };
  stream.on("error", () => undefined);
  const response = new Promise((resolve) => stream.once("response", resolve));
  send();
  expect(await response).toMatchObject({ ":status": status });
  stream.resume();
  // Set by the server's RST_STREAM; Node's client emits nothing for one without an error.
  while (!stream.closed) await new Promise(setImmediate);
  stream.destroy();
  expect(sent).toBeLessThan(length);
  expect((await ask("GET", "/v2/")).status).toBe(200);
});

it("sends several ranges in parts", async () => {
  const content = randomContent(500_000);
  const pushed = await ask("POST", `/v2/parts/blobs/uploads/?digest=${content.digest}`, content.bytes);
  expect(pushed.status).toBe(201);
  const path = `/v2/parts/blobs/${content.digest}`;
  const answer = await ask("GET", path, undefined, { range: "bytes=400000-499999,0-99999" });
  expect([answer.status, answer.headers["content-length"]]).toEqual([206, String(answer.body.length)]);
  expect(answer.body.includes(content.bytes.subarray(400_000))).toBe(true);
  expect(answer.body.includes(content.bytes.subarray(0, 100_000))).toBe(true);
});
