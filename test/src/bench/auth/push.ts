import { once } from "node:events";
import { createServer, request } from "node:http";
import type { Target } from "../servers.js";

/** A way to a registry on which every request carries the same credentials, for what pushes without any. */
export async function startAuthorised(
  target: Target,
  authorization: string | undefined,
): Promise<Pick<Target, "name" | "origin"> & AsyncDisposable> {
  const server = createServer((incoming, outgoing) => {
    const headers = { ...incoming.headers, ...(authorization === undefined ? {} : { authorization }) };
    const asked = request(`${target.origin}${incoming.url ?? "/"}`, { method: incoming.method, headers });
    asked.once("error", () => outgoing.destroy());
    asked.once("response", (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(outgoing);
    });
    incoming.pipe(asked);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  return {
    name: target.name,
    origin: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
