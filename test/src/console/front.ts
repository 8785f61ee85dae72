import { readFile } from "node:fs/promises";
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import { extname } from "node:path";
import { PROJECT } from "@longshore/testkit/project";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/** Serves the built console below `prefix`, before a registry at `upstream`. */
export async function startFront(upstream: string, prefix = "/"): Promise<{ readonly url: string } & AsyncDisposable> {
  const server = createServer((incoming, response) => {
    void respond(incoming, response, upstream, prefix);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}${prefix}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function respond(
  incoming: IncomingMessage,
  response: ServerResponse,
  upstream: string,
  prefix: string,
): Promise<void> {
  const path = `/${(incoming.url ?? "").slice(prefix.length)}`;
  if (path.startsWith("/v2/")) {
    const outgoing = request(`${upstream}${path}`, { method: incoming.method, headers: incoming.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    outgoing.on("error", () => response.destroy());
    incoming.pipe(outgoing);
    return;
  }
  if (path === "/_console/session") {
    const { host = "" } = incoming.headers;
    response.setHeader("content-type", "application/json");
    response.end(
      JSON.stringify({
        account: null,
        logins: [],
        anonymous: true,
        rights: { catalog: true, maintenance: true, tokens: true },
        registry: { address: `http://${host}`, host, prefix: "", version: "0.1.0" },
        features: { deletion: true, inventory: true, maintenance: true, tokens: false },
      }),
    );
    return;
  }
  const file = path === "/" ? "index.html" : path.slice(1);
  try {
    const bytes = await readFile(`${PROJECT}packages/console/dist/${file}`);
    response.setHeader("content-type", TYPES[extname(file)] ?? "application/octet-stream");
    response.setHeader("content-security-policy", POLICY);
    response.end(bytes);
  } catch {
    response.writeHead(404).end();
  }
}
