import { createServer } from "node:http";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { listen, type Listening } from "@longshore/testkit/loopback";
import { createTlsServer } from "./tls-site.js";
import { MANIFEST_DIGEST, NAME, openUpstream, sendManifest, serveStandIn, TAG } from "./site.js";

/** A forward proxy that leads every name to one port of the loopback address: nginx has no CONNECT. */
async function serveProxy(port: number): Promise<Listening & { readonly lines: string[] }> {
  const lines: string[] = [];
  const server = createServer((request, response) => {
    lines.push(`${request.method ?? ""} ${request.url ?? ""}`);
    const { pathname } = new URL(request.url ?? "");
    void fetch(`http://127.0.0.1:${port}${pathname}`, { headers: { accept: "*/*" } }).then(async (answer) => {
      response.writeHead(answer.status, {
        "content-type": answer.headers.get("content-type") ?? "",
        "docker-content-digest": answer.headers.get("docker-content-digest") ?? "",
      });
      response.end(Buffer.from(await answer.arrayBuffer()));
    });
  });
  server.on("connect", (request, socket) => {
    lines.push(`CONNECT ${request.url ?? ""}`);
    const other = connect(port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      other.pipe(socket).pipe(other);
    });
    other.on("error", () => socket.destroy());
    socket.on("error", () => other.destroy());
  });
  return { ...(await listen(server)), lines };
}

describe("an HTTP proxy", () => {
  it("passes TLS through by CONNECT, and can't read it", async () => {
    await using site = await createTlsServer((_, response) => sendManifest(response));
    await using proxy = await serveProxy(site.port);
    await using upstream = openUpstream(
      `https://registry.test:${site.port}`,
      { tls: { ca: [site.caFile] } },
      { environment: { HTTPS_PROXY: proxy.url } },
    );
    expect((await upstream.fetchManifest(NAME, TAG)).digest).toBe(MANIFEST_DIGEST);
    expect(proxy.lines).toEqual([`CONNECT registry.test:${site.port}`]);
  });

  it("is asked for the whole URL where there is no TLS", async () => {
    await using site = await serveStandIn((_, response) => sendManifest(response));
    await using proxy = await serveProxy(site.port);
    await using upstream = openUpstream("http://registry.test", {}, { environment: { HTTP_PROXY: proxy.url } });
    expect((await upstream.fetchManifest(NAME, TAG)).digest).toBe(MANIFEST_DIGEST);
    expect(proxy.lines).toEqual([`GET http://registry.test/v2/${NAME}/manifests/${TAG}`]);
  });

  it("isn't asked for what NO_PROXY lists", async () => {
    await using site = await serveStandIn((_, response) => sendManifest(response));
    await using proxy = await serveProxy(site.port);
    await using upstream = openUpstream(site.url, {}, { environment: { HTTP_PROXY: proxy.url } });
    await upstream.fetchManifest(NAME, TAG);
    expect(proxy.lines).toEqual([]);
  });
});

describe("TLS", () => {
  it("is refused without its authority, and the message says what to set", async () => {
    await using site = await createTlsServer((_, response) => sendManifest(response));
    await using upstream = openUpstream(`https://127.0.0.1:${site.port}`, { retries: 0 });
    await expect(upstream.fetchManifest(NAME, TAG)).rejects.toThrow(/isn't trusted .*tls\.ca/);
  });

  it("is taken with its authority, or where insecure says so", async () => {
    await using site = await createTlsServer((_, response) => sendManifest(response));
    for (const tls of [{ ca: [site.caFile] }, { insecure: true }]) {
      await using upstream = openUpstream(`https://127.0.0.1:${site.port}`, { tls });
      expect((await upstream.fetchManifest(NAME, TAG)).digest).toBe(MANIFEST_DIGEST);
    }
  });

  it("shows our own certificate where the upstream asks for it", async () => {
    await using site = await createTlsServer((_, response) => sendManifest(response), { requestCert: true });
    await using without = openUpstream(`https://127.0.0.1:${site.port}`, { tls: { ca: [site.caFile] }, retries: 0 });
    await expect(without.fetchManifest(NAME, TAG)).rejects.toThrow();
    const { caFile: ca, certFile: certificate, keyFile: key } = site;
    await using upstream = openUpstream(`https://127.0.0.1:${site.port}`, { tls: { ca: [ca], certificate, key } });
    expect((await upstream.fetchManifest(NAME, TAG)).digest).toBe(MANIFEST_DIGEST);
  });

  it("is never given up by a redirect", async () => {
    await using plain = await serveStandIn((_, response) => sendManifest(response));
    await using site = await createTlsServer((_, response) => {
      response.writeHead(307, { location: `${plain.url}/v2/` }).end();
    });
    await using upstream = openUpstream(`https://127.0.0.1:${site.port}`, { tls: { insecure: true } });
    await expect(upstream.fetchManifest(NAME, TAG)).rejects.toThrow(/from TLS to plain HTTP/);
    expect(plain.asked).toEqual([]);
  });

  it("is never given up for a token service", async () => {
    await using plain = await serveStandIn((_, response) => void response.end('{"token":"t"}'));
    await using site = await createTlsServer((_, response) => {
      response.writeHead(401, { "www-authenticate": `Bearer realm="${plain.url}/token"` }).end();
    });
    await using upstream = openUpstream(`https://127.0.0.1:${site.port}`, { tls: { insecure: true } });
    await expect(upstream.fetchManifest(NAME, TAG)).rejects.toThrow(/plain HTTP/);
    expect(plain.asked).toEqual([]);
  });
});
