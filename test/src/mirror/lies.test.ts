import { createHash } from "node:crypto";
import { createServer, request, type RequestListener } from "node:http";
import { once } from "node:events";
import { contentOf, digestOf } from "@longshore/testkit/fixtures";
import { listen } from "@longshore/testkit/loopback";
import { startRegistry } from "@longshore/testkit/start-registry";
import { describe, expect, it } from "vitest";

/** What a client got: the digest of a complete body; undefined where the connection broke. */
function pull(url: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent: false }, (response) => {
      const hash = createHash("sha256");
      response.on("data", (chunk: Buffer) => hash.update(chunk));
      response.on("end", () => resolve(response.complete ? `sha256:${hash.digest("hex")}` : undefined));
      response.on("error", () => resolve(undefined));
    });
    sent.on("error", reject);
    sent.end();
  });
}

describe("an upstream that lies", () => {
  const good = contentOf("the content that was asked for");

  /** A mirror of an upstream that answers with `answer`; what a client got for the blob, and what is stored of it. */
  async function pullFrom(
    answer: RequestListener,
  ): Promise<{ status: number; body: string | undefined; stored: boolean }> {
    await using upstream = await listen(createServer(answer));
    await using mirror = await startRegistry({ config: { proxy: { remoteurl: upstream.url, retries: 0 } } });
    const path = `/v2/team/app/blobs/${good.digest}`;
    const sent = request(`${mirror.url}${path}`, { agent: false });
    sent.end();
    const [response] = await once(sent, "response").catch(() => [undefined]);
    const head: unknown = response;
    const status = typeof head === "object" && head !== null && "statusCode" in head ? Number(head.statusCode) : 0;
    const body = await pull(`${mirror.url}${path}`).catch(() => undefined);
    sent.destroy();
    await upstream.close();
    const again = await mirror.client.ask({ method: "HEAD", path });
    return { status, body, stored: again.status === 200 };
  }

  it.each<readonly [string, RequestListener]>([
    [
      "about the digest",
      (_, response) =>
        response.writeHead(200, { "content-length": good.bytes.length }).end("x".repeat(good.bytes.length)),
    ],
    [
      "with a login page",
      (_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<html>Please log in</html>"),
    ],
    [
      "about the length",
      (_, response) => response.writeHead(200, { "content-length": good.bytes.length - 3 }).end(good.bytes.subarray(3)),
    ],
  ])("%s is found out: nothing ends well, and nothing is stored", async (_, answer) => {
    const { body, stored } = await pullFrom(answer);
    expect(body).not.toBe(good.digest);
    expect(body === undefined || body !== digestOf("x".repeat(good.bytes.length))).toBe(true);
    expect(stored).toBe(false);
  });
});
