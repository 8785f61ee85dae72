import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { get } from "node:https";
import {
  connect as connectHttp2,
  type ClientHttp2Session,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
  type OutgoingHttpHeaders,
} from "node:http2";
import { connect as connectTcp } from "node:net";
import { buffer } from "node:stream/consumers";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { beforeAll, describe, expect, it } from "vitest";
import { createIdentities, type Identity, type TestIdentities } from "./certificates.js";
import { serveRegistry, type ServedRegistry } from "./process.js";

let identities: TestIdentities;

beforeAll(async () => {
  identities = await createIdentities();
});

function serveTls(
  tls: Readonly<Record<string, unknown>> = {},
  http: Readonly<Record<string, unknown>> = {},
): Promise<ServedRegistry> {
  return serveRegistry({
    http: { tls: { certificate: "FOLDER/cert.pem", key: "FOLDER/key.pem", ...tls }, ...http },
    files: {
      "cert.pem": identities.server.certificate,
      "key.pem": identities.server.key,
      "ca.pem": identities.authority,
    },
  });
}

/** The status of `GET /v2/`, or "refused". */
function ask(
  registry: ServedRegistry,
  identity?: Identity,
  options: ConnectionOptions = {},
): Promise<number | "refused"> {
  return new Promise((resolve) => {
    const client = identity === undefined ? {} : { cert: identity.certificate, key: identity.key };
    get(
      {
        host: "127.0.0.1",
        port: registry.port,
        path: "/v2/",
        ca: identities.authority,
        agent: false,
        ...client,
        ...options,
      },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    ).once("error", () => resolve("refused"));
  });
}

describe("TLS", () => {
  it("serves with the certificate, and logs this at startup", async () => {
    await using registry = await serveTls();
    expect(registry.stderr()).toMatch(/msg="listening on 127\.0\.0\.1:\d+, tls"/);
    expect(await ask(registry)).toBe(200);
  });

  it("answers HTTP in the clear with 400", async () => {
    await using registry = await serveTls();
    const socket = connectTcp(registry.port, "127.0.0.1", () => socket.write("GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n"));
    let text = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    await once(socket, "close");
    expect(text).toMatch(/^HTTP\/1\.0 400 Bad Request\r\n/);
    expect(text).toMatch(/\r\n\r\nClient sent an HTTP request to an HTTPS server\.\n$/);
  });

  it("enforces the minimum version", async () => {
    await using registry = await serveTls({ minimumtls: "tls1.3" });
    expect(await ask(registry, undefined, { maxVersion: "TLSv1.2" })).toBe("refused");
    expect(await ask(registry)).toBe(200);
  });

  it("enforces the cipher suites", async () => {
    await using registry = await serveTls({ ciphersuites: ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"] });
    const only = (ciphers: string): ConnectionOptions => ({ maxVersion: "TLSv1.2", ciphers });
    expect(await ask(registry, undefined, only("ECDHE-ECDSA-AES128-GCM-SHA256"))).toBe("refused");
    expect(await ask(registry, undefined, only("ECDHE-ECDSA-AES256-GCM-SHA384"))).toBe(200);
  });

  it("keeps to the curves", async () => {
    await using registry = await serveTls({ curves: ["P521", "P384"] });
    expect(await ask(registry, undefined, { ecdhCurve: "X25519:P-256" })).toBe("refused");
    expect(await ask(registry, undefined, { ecdhCurve: "P-384" })).toBe(200);
  });

  it("refuses to start with a key of another certificate, and says which", async () => {
    const started = serveRegistry({
      http: { tls: { certificate: "FOLDER/cert.pem", key: "FOLDER/key.pem" } },
      files: { "cert.pem": identities.server.certificate, "key.pem": identities.client.key },
    });
    await expect(started).rejects.toThrow(
      /exit 1 [\s\S]*http\.tls\.key: .*key\.pem does not belong to the certificate/,
    );
  });

  it("refuses to start with a DER certificate, and says which file it is and how to convert it", async () => {
    const bytes = Buffer.from(identities.server.certificate.replaceAll(/-----[^-]*-----|\s/g, ""), "base64");
    const folder = await mkdtemp(join(tmpdir(), "registry-der-"));
    try {
      await writeFile(join(folder, "cert.der"), bytes);
      const started = serveRegistry({
        http: { tls: { certificate: join(folder, "cert.der"), key: "FOLDER/key.pem" } },
        files: { "key.pem": identities.server.key },
      });
      await expect(started).rejects.toThrow(
        /exit 1 [\s\S]*http\.tls\.certificate: .*cert\.der holds no PEM certificate: it is DER; convert it with openssl x509/,
      );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe("client certificates", () => {
  it.each([
    // mode, without one, of the authority, of nobody
    ["require-and-verify-client-cert", "refused", 200, "refused"],
    ["require-any-client-cert", "refused", 200, 200],
    ["verify-client-cert-if-given", 200, 200, "refused"],
    ["request-client-cert", 200, 200, 200],
  ] as const)("%s", async (clientauth, without, verified, unverified) => {
    await using registry = await serveTls({ clientcas: ["FOLDER/ca.pem"], clientauth });
    expect(await ask(registry)).toBe(without);
    expect(await ask(registry, identities.client)).toBe(verified);
    expect(await ask(registry, identities.stranger)).toBe(unverified);
  });

  it("are not requested without client CAs", async () => {
    await using registry = await serveTls({ clientauth: "require-and-verify-client-cert" });
    expect(await ask(registry)).toBe(200);
  });
});

describe("HTTP/2", () => {
  it("is negotiated by ALPN, and not offered if it is disabled", async () => {
    const protocolOf = async (registry: ServedRegistry): Promise<string | false | null> => {
      const options = { ca: identities.authority, ALPNProtocols: ["h2", "http/1.1"] };
      const socket = connectTls(registry.port, "127.0.0.1", options);
      await once(socket, "secureConnect");
      socket.destroy();
      return socket.alpnProtocol;
    };
    await using both = await serveTls({}, { http2: { disabled: false } });
    expect(await protocolOf(both)).toBe("h2");
    await using old = await serveTls({}, { http2: { disabled: true } });
    expect(await protocolOf(old)).toBe("http/1.1");
  });

  it("pushes and pulls a blob of 5 MiB", async () => {
    await using registry = await serveTls({}, { http2: { disabled: false } });
    const session = connectHttp2(`https://127.0.0.1:${registry.port}`, { ca: identities.authority });
    const blob = randomBytes(5 * 1024 * 1024);
    const digest = `sha256:${createHash("sha256").update(blob).digest("hex")}`;

    const begun = await send(session, { ":method": "POST", ":path": "/v2/h2/repo/blobs/uploads/" });
    expect(begun.status).toBe(202);
    const location = new URL(String(begun.headers["location"]));
    expect(location.protocol).toBe("https:");
    const path = `${location.pathname}${location.search}&digest=${encodeURIComponent(digest)}`;
    const put = await send(
      session,
      { ":method": "PUT", ":path": path, "content-type": "application/octet-stream" },
      blob,
    );
    expect(put.status).toBe(201);
    const got = await send(session, { ":path": `/v2/h2/repo/blobs/${digest}` });
    expect(got.status).toBe(200);
    expect(got.body.equals(blob)).toBe(true);
    session.close();
    await once(session, "close");
    registry.kill("SIGTERM");
    expect(await registry.exited).toBe(0);
    expect(registry.stdout()).toMatch(/"GET \/v2\/h2\/repo\/blobs\/sha256:[0-9a-f]{64} HTTP\/2\.0" 200 5242880 /);
  });
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}

async function send(session: ClientHttp2Session, headers: OutgoingHttpHeaders, body?: Buffer): Promise<Answer> {
  const stream = session.request(headers, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  const headersOf = new Promise<IncomingHttpHeaders & IncomingHttpStatusHeader>((resolve, reject) => {
    stream.once("response", resolve).once("error", reject);
  });
  const answer = await headersOf;
  return { status: answer[":status"] ?? 0, headers: answer, body: await buffer(stream) };
}
