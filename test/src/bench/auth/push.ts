import { request } from "node:http";
import { serveHttp } from "@longshore/testkit/loopback";
import type { Target } from "../servers.js";

/** A way to a registry on which every request carries the same credentials, for what pushes without any. */
export async function startAuthorised(
  target: Target,
  authorization: string | undefined,
): Promise<Pick<Target, "name" | "origin"> & AsyncDisposable> {
  const server = await serveHttp((incoming, outgoing) => {
    const headers = { ...incoming.headers, ...(authorization === undefined ? {} : { authorization }) };
    const asked = request(`${target.origin}${incoming.url ?? "/"}`, { method: incoming.method, headers });
    asked.once("error", () => outgoing.destroy());
    asked.once("response", (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(outgoing);
    });
    incoming.pipe(asked);
  });
  return { name: target.name, origin: server.url, [Symbol.asyncDispose]: server.close };
}
