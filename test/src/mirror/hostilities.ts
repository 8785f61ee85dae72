import type { IncomingMessage, ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { contentOf, OCI_INDEX, OCI_MANIFEST } from "@longshore/testkit/fixtures";

const MIB = 1024 * 1024;

/** What clients ask for. */
export const GOOD = contentOf("the content that was asked for".repeat(1000));
/** 64 MiB, in 64 KiB. */
const BOMB = gzipSync(Buffer.alloc(64 * MIB));

/** Answers a request for `path`, behind the name of the upstream. */
export type Hostility = (path: string, response: ServerResponse, request: IncomingMessage) => void;

const never = (): void => undefined;
const send =
  (body: string | Uint8Array, headers: Readonly<Record<string, string | number>> = {}, status = 200): Hostility =>
  (_, response) =>
    void response.writeHead(status, headers).end(body);
export const redirect = (location: string): Hostility => send("", { location }, 307);
export const challenge = (header: string): Hostility => send("", { "www-authenticate": header }, 401);
const endless =
  (headers: Readonly<Record<string, string | number>>, chunk = Buffer.alloc(64 * 1024)): Hostility =>
  (_, response, { method }) => {
    response.writeHead(200, headers);
    if (method === "HEAD") return void response.end();
    const more = (error?: Error | null): void => {
      if (error === undefined || error === null) response.write(chunk, more);
    };
    more();
  };
const drip =
  (headers: Readonly<Record<string, string | number>>): Hostility =>
  (_, response) => {
    response.writeHead(200, headers);
    const timer = setInterval(() => response.write("x"), 50);
    response.once("close", () => clearInterval(timer));
  };
const raw =
  (bytes: string): Hostility =>
  (_, response) =>
    void response.socket?.end(bytes);

const length = GOOD.bytes.length;

/** What upstreams do to a blob. */
export const BLOBS: Readonly<Record<string, Hostility>> = {
  "another content of the same length": send("x".repeat(length), { "content-length": length }),
  "a login page": send("<html>Please log in</html>", { "content-type": "text/html" }),
  "a login page that calls itself a blob": send("<html>Please log in</html>", {
    "content-type": "application/octet-stream",
  }),
  "too few bytes": send(GOOD.bytes.subarray(3), { "content-length": length - 3 }),
  "too many bytes": send(Buffer.concat([GOOD.bytes, GOOD.bytes]), { "content-length": 2 * length }),
  "half of it, each time": (_, response) => {
    response.writeHead(200, { "content-length": length });
    response.write(GOOD.bytes.subarray(0, length / 2), () => response.destroy());
  },
  "another range than the one that was asked for": send(
    GOOD.bytes.subarray(10),
    {
      "content-range": `bytes 10-${length - 1}/${length}`,
    },
    206,
  ),
  "a decompression bomb": send(BOMB, { "content-encoding": "gzip", "content-length": BOMB.length }),
  "a body without length and end": endless({}),
  "a body without end": endless({ "content-length": Number.MAX_SAFE_INTEGER }),
  "a byte now and then": drip({ "content-length": length }),
  "no answer": never,
  "a header of 1 MiB": send(GOOD.bytes, { "x-bomb": "x".repeat(MIB) }),
  "ten thousand headers": send(
    GOOD.bytes,
    Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`x-${index}`, "x"])),
  ),
  "what is no HTTP": raw("220 mail.example ESMTP\r\n"),
  "two lengths": raw(`HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\ncontent-length: 3\r\n\r\n${String(GOOD.bytes)}`),
  "a length beside chunks": raw(
    `HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
  ),
  "a redirect to a file": redirect("file:///etc/passwd"),
  "a redirect to itself": redirect(""),
  "a redirect to data": redirect(`data:,${"x".repeat(100)}`),
};

/** What upstreams answer for a manifest. */
export const MANIFESTS: Readonly<Record<string, Hostility>> = {
  "a digest that it hasn't": send('{"schemaVersion":2}', {
    "content-type": OCI_MANIFEST,
    "docker-content-digest": GOOD.digest,
  }),
  "a login page": send("<html>Please log in</html>", { "content-type": "text/html" }),
  "JSON of another kind": send('{"welcome":true}', { "content-type": "application/json" }),
  "an unreadable manifest": send("{", { "content-type": OCI_MANIFEST }),
  "a manifest in a manifest in …": send(`{"schemaVersion":2,"layers":${"[".repeat(MIB)}`, {
    "content-type": OCI_MANIFEST,
  }),
  "two readings": send(
    JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config: {}, layers: [], Layers: [{}] }),
    { "content-type": OCI_MANIFEST },
  ),
  "a type with quotes and line ends": send("{}", { "content-type": 'a/"\xe9\\' }),
  "a decompression bomb": send(BOMB, { "content-encoding": "gzip", "content-type": OCI_MANIFEST }),
  "a manifest without end": endless({ "content-type": OCI_MANIFEST }),
  "a byte now and then": drip({ "content-type": OCI_MANIFEST }),
  "a header of 1 MiB": send("{}", { "content-type": OCI_MANIFEST, "x-bomb": "x".repeat(MIB) }),
};

/** What upstreams answer for a list of tags. */
export const TAGS: Readonly<Record<string, Hostility>> = {
  "a login page": send("<html>Please log in</html>", { "content-type": "text/html" }),
  "no JSON": send('{"tags":["a"'),
  "JSON of another kind": send('{"tags":{"a":1}}'),
  "empty pages without end": (path, response) =>
    void response.writeHead(200, { link: `<${path}x?last=${path.length}>; rel="next"` }).end('{"tags":[]}'),
  "a list without end": endless({ "content-type": "application/json" }),
  "a byte now and then": drip({ "content-type": "application/json" }),
  "a decompression bomb": send(BOMB, { "content-encoding": "gzip" }),
};

/** What upstreams answer for referrers. */
export const REFERRERS: Readonly<Record<string, Hostility>> = {
  "no JSON": send("{", { "content-type": OCI_INDEX }),
  "an image": send(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config: {}, layers: [] }), {
    "content-type": OCI_INDEX,
  }),
  "a list without end": endless({ "content-type": OCI_INDEX }),
  "a byte now and then": drip({ "content-type": OCI_INDEX }),
};

/** What upstreams answer when they ask who we are. */
export function challengesTo(thief: string): Readonly<Record<string, Hostility>> {
  const tokens =
    (token: Hostility): Hostility =>
    (path, response, incoming) => {
      if (path.includes("/token")) return void token(path, response, incoming);
      const own = `http://${incoming.headers.host ?? ""}${path.split("/v2/")[0] ?? ""}`;
      challenge(`Bearer realm="${own}/token",service="upstream"`)(path, response, incoming);
    };
  return {
    "for tokens of another host": challenge(`Bearer realm="${thief}/token",service="upstream"`),
    "for tokens of another host, behind a user": challenge(
      `Bearer realm="${thief.replace("http://", "http://127.0.0.1@")}/token"`,
    ),
    "for tokens of another host, and for Basic": challenge(`Basic realm="x", Bearer realm="${thief}/token"`),
    "for tokens of a file": challenge('Bearer realm="file:///etc/passwd"'),
    "for tokens of nothing": challenge('Bearer realm=""'),
    "without a scheme": challenge(`, =, "${"\\".repeat(5000)}`),
    "a thousand times": challenge(Array.from({ length: 1000 }, () => "Bearer realm=x").join(",")),
    "for tokens that it redirects to another host": tokens(redirect(`${thief}/token`)),
    "for tokens with line ends": tokens(send('{"token":"a\\r\\nx-evil: 1"}')),
    "for tokens without end": tokens(endless({}, Buffer.alloc(64 * 1024, " "))),
    "for Basic over and over": challenge('Basic realm="x"'),
  };
}

/** Places inside, by all the names that they have; `port` is a witness's. */
export const internals = (port: number): Readonly<Record<string, string>> => ({
  "a loopback address": `http://127.0.0.1:${port}/blob`,
  "another loopback address": `http://127.9.9.9:${port}/blob`,
  "a loopback address in one number": `http://2130706433:${port}/blob`,
  "a loopback address in hexadecimal": `http://0x7f.0x1:${port}/blob`,
  "a loopback address in octal": `http://0177.0.0.01:${port}/blob`,
  "a loopback address with a dot": `http://127.0.0.1.:${port}/blob`,
  "an unspecified address": `http://0.0.0.0:${port}/blob`,
  "IPv6's loopback address": `http://[::1]:${port}/blob`,
  "IPv6's unspecified address": `http://[::]:${port}/blob`,
  "a mapped loopback address": `http://[::ffff:127.0.0.1]:${port}/blob`,
  "a translated loopback address": `http://[64:ff9b::7f00:1]:${port}/blob`,
  "a name of a loopback address": `http://localhost:${port}/blob`,
  "a cloud's metadata": "http://169.254.169.254/latest/meta-data/",
  "a cloud's metadata in one number": "http://2852039166/latest/meta-data/",
  "a cloud's metadata by IPv6": "http://[fd00:ec2::254]/latest/meta-data/",
});
