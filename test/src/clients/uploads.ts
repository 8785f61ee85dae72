import { randomBytes } from "node:crypto";
import { digestOf } from "@longshore/testkit/fixtures";
import { fetchExpecting } from "@longshore/testkit/fetch-expecting";

/** An upload that a client began and left, as it remembers it: the bytes still to send and where. */
export interface LeftUpload {
  readonly repository: string;
  readonly digest: string;
  /** Path and query: another registry on another port goes on from here. */
  readonly location: string;
  readonly sent: number;
  readonly bytes: Buffer;
}

const STREAM = { "content-type": "application/octet-stream" };

/** Begins an upload, sends the first chunks of it one PATCH each, and leaves it. */
export async function leaveUpload(
  host: string,
  repository: string,
  chunks: readonly number[],
  rest: number,
): Promise<LeftUpload> {
  const bytes = randomBytes(chunks.reduce((sum, size) => sum + size, rest));
  const started = await fetchExpecting(202, `http://${host}/v2/${repository}/blobs/uploads/`, { method: "POST" });
  let location = locationOf(started);
  let sent = 0;
  for (const size of chunks) {
    const body = bytes.subarray(sent, sent + size);
    location = locationOf(
      await fetchExpecting(202, `http://${host}${location}`, { method: "PATCH", headers: STREAM, body }),
    );
    sent += size;
  }
  return { repository, digest: digestOf(bytes), location, sent, bytes };
}

/** Sends the rest at the registry at `host`, half of it as one more chunk, and completes the upload. */
export async function finishUpload(host: string, upload: LeftUpload): Promise<void> {
  const middle = Math.ceil((upload.sent + upload.bytes.byteLength) / 2);
  const body = upload.bytes.subarray(upload.sent, middle);
  const patched = await fetchExpecting(202, `http://${host}${upload.location}`, {
    method: "PATCH",
    headers: STREAM,
    body,
  });
  const last = new URL(locationOf(patched), `http://${host}`);
  last.searchParams.set("digest", upload.digest);
  await fetchExpecting(201, last, { method: "PUT", headers: STREAM, body: upload.bytes.subarray(middle) });
  const stored = await fetchExpecting(200, `http://${host}/v2/${upload.repository}/blobs/${upload.digest}`);
  const found = digestOf(Buffer.from(await stored.arrayBuffer()));
  if (found !== upload.digest) {
    throw new Error(`the finished upload holds ${found} instead of ${upload.digest}`);
  }
}

function locationOf(response: Response): string {
  const { pathname, search } = new URL(response.headers.get("location") ?? "", response.url);
  return `${pathname}${search}`;
}
