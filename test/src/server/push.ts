import { request, type IncomingMessage } from "node:http";
import { startUpload, withQuery } from "@longshore/testkit/fixtures";
import { createHttpClient, type HttpClient } from "@longshore/testkit/http-client";

/** A client with a connection for each request. */
export function clientAt(port: number, headers: Readonly<Record<string, string>> = {}): HttpClient {
  return createHttpClient(`http://127.0.0.1:${port}`, { keepAlive: false, headers });
}

/** Opens an upload session; its location with the query for `digest`. */
export async function beginUpload(port: number, name: string, digest: string): Promise<string> {
  return withQuery(await startUpload(clientAt(port), name), { digest });
}

/** A push that sends its body when it is told to. */
export interface SlowPush {
  send(bytes: Buffer): Promise<void>;
  finish(bytes: Buffer): Promise<number>;
}

export function startSlowPush(location: string, length: number): SlowPush {
  const outgoing = request(location, {
    method: "PUT",
    agent: false,
    // The registry says "continue" when it works on the request: from then on a stop has to wait for it.
    headers: { "content-type": "application/octet-stream", "content-length": length, expect: "100-continue" },
  });
  outgoing.flushHeaders();
  const accepted = new Promise<void>((resolve) => outgoing.once("continue", resolve));
  const answer = new Promise<IncomingMessage>((resolve, reject) =>
    outgoing.once("response", resolve).once("error", reject),
  );
  // finish() reports the failure.
  answer.catch(() => undefined);
  return {
    send: async (bytes) => {
      await Promise.race([accepted, answer]);
      await new Promise<void>((resolve, reject) =>
        outgoing.write(bytes, (error) => (error ? reject(error) : resolve())),
      );
    },
    async finish(bytes) {
      outgoing.end(bytes);
      const response = await answer;
      response.resume();
      return response.statusCode ?? 0;
    },
  };
}
