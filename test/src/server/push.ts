import { createHash, randomBytes } from "node:crypto";
import { request, type IncomingMessage } from "node:http";

/** Random bytes with their digest. */
export interface TestBlob {
  readonly bytes: Buffer;
  readonly digest: string;
}

export function randomBlob(size: number): TestBlob {
  const bytes = randomBytes(size);
  return { bytes, digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}` };
}

/** Opens an upload session; its location with the query for `digest`. Every call uses a connection of its own. */
export async function beginUpload(port: number, name: string, digest: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/v2/${name}/blobs/uploads/`, {
    method: "POST",
    headers: { connection: "close" },
  });
  if (response.status !== 202) throw new Error(`upload refused: ${response.status} ${await response.text()}`);
  return `${response.headers.get("location") ?? ""}&digest=${encodeURIComponent(digest)}`;
}

/** Pushes a whole blob. */
export async function pushBlob(port: number, name: string, blob: TestBlob): Promise<void> {
  const response = await fetch(await beginUpload(port, name, blob.digest), {
    method: "PUT",
    headers: { "content-type": "application/octet-stream" },
    body: blob.bytes,
  });
  if (response.status !== 201) throw new Error(`push refused: ${response.status} ${await response.text()}`);
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
  // Whoever finishes the push learns of it.
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
