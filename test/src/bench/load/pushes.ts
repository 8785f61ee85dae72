import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { Pool, type Dispatcher } from "undici";
import { z } from "zod";
import { blobSource, type Blob } from "./blobs.js";
import { elapsed } from "./gets.js";
import type { LoadResult, ManifestJob, PushJob } from "./job.js";

/** Pushes until the job's limit; the blobs are made and hashed outside the clock where their number is known. */
export async function runPush(job: PushJob): Promise<LoadResult> {
  // A push of many gigabytes beside others takes as long as it takes: the clock is the measurement, not a limit.
  await using pool = closing(new Pool(job.origin, { connections: job.connections, headersTimeout: 0, bodyTimeout: 0 }));
  const next = blobSource(job.size);
  const limit = job.limit;
  if ("count" in limit) {
    const blobs = Array.from({ length: limit.count }, next);
    const queue = blobs.values();
    const started = performance.now();
    await Promise.all(
      Array.from({ length: job.connections }, async () => {
        for (const blob of queue) {
          await pushBlob(pool.value, job, blob);
        }
      }),
    );
    return { operations: blobs.length, seconds: elapsed(started), digests: blobs.map((blob) => blob.digest) };
  }
  const started = performance.now();
  const counts = await Promise.all(
    Array.from({ length: job.connections }, async () => {
      let count = 0;
      while (elapsed(started) < limit.seconds) {
        await pushBlob(pool.value, job, next());
        count++;
      }
      return count;
    }),
  );
  return { operations: counts.reduce((sum, count) => sum + count, 0), seconds: elapsed(started), digests: [] };
}

/** Pushes manifests, no two alike, until the time is up. Throws unless each is taken. */
export async function runManifests(job: ManifestJob): Promise<LoadResult> {
  await using pool = closing(new Pool(job.origin, { connections: job.connections }));
  const manifest = z.looseObject({ annotations: z.looseObject({}) }).parse(JSON.parse(job.manifest));
  const run = randomUUID();
  let count = 0;
  const started = performance.now();
  await Promise.all(
    Array.from({ length: job.connections }, async () => {
      while (elapsed(started) < job.seconds) {
        const tag = `${run}-${count++}`;
        const response = await pool.value.request({
          method: "PUT",
          path: `/v2/${job.repository}/manifests/${tag}`,
          headers: { "content-type": "application/vnd.oci.image.manifest.v1+json" },
          body: JSON.stringify({ ...manifest, annotations: { ...manifest.annotations, tag } }),
        });
        const text = await response.body.text();
        if (response.statusCode !== 201) throw new Error(`a manifest was answered ${response.statusCode}: ${text}`);
      }
    }),
  );
  return { operations: count, seconds: elapsed(started), digests: [] };
}

/** Where a push goes and how. */
export type PushTarget = Pick<PushJob, "origin" | "repository" | "how">;

/** Pushes one blob (distribution-spec §Pushing blobs). Throws unless every answer is the expected one. */
export async function pushBlob(client: Dispatcher, target: PushTarget, blob: Blob): Promise<void> {
  let location = await send(client, target, { method: "POST", path: `/v2/${target.repository}/blobs/uploads/` }, 202);
  if (target.how === "patch") {
    location = await send(client, target, { method: "PATCH", path: pathOf(location), ...bodyOf(blob) }, 202);
  } else if (target.how === "chunks") {
    for (const chunk of chunksOf(blob)) {
      location = await send(client, target, { method: "PATCH", path: pathOf(location), ...chunk }, 202);
    }
  }
  location.searchParams.set("digest", blob.digest);
  const body = target.how === "monolithic" ? bodyOf(blob) : {};
  await send(client, target, { method: "PUT", path: pathOf(location), ...body }, 201);
}

const CHUNK_SIZE = 5 * 1024 * 1024;

type Body = Pick<Dispatcher.RequestOptions, "body" | "headers">;

/** The blob in chunks (distribution-spec §Pushing a blob in chunks). */
function* chunksOf(blob: Blob): Iterable<Body> {
  let [blocks, length, start]: [Buffer[], number, number] = [[], 0, 0];
  for (const block of blob.blocks()) {
    blocks.push(block);
    length += block.length;
    if (length < CHUNK_SIZE && start + length < blob.size) continue;
    const headers = {
      "content-type": "application/octet-stream",
      "content-length": String(length),
      "content-range": `${start}-${start + length - 1}`,
    };
    yield { body: Readable.from(blocks, { objectMode: true }), headers };
    [blocks, length, start] = [[], 0, start + length];
  }
}

function bodyOf(blob: Blob): Body {
  const [first, ...others] = blob.size > 1024 * 1024 ? [] : [...blob.blocks()];
  const body = first !== undefined && others.length === 0 ? first : Readable.from(blob.blocks(), { objectMode: true });
  return { body, headers: { "content-type": "application/octet-stream", "content-length": String(blob.size) } };
}

async function send(
  client: Dispatcher,
  target: PushTarget,
  options: Dispatcher.RequestOptions,
  status: number,
): Promise<URL> {
  const response = await client.request(options);
  const text = await response.body.text();
  const location = response.headers["location"];
  if (response.statusCode !== status || typeof location !== "string") {
    throw new Error(
      `${options.method} ${options.path}: expected ${status} and a Location, got ${response.statusCode} ${text}`,
    );
  }
  return new URL(location, target.origin);
}

function pathOf(url: URL): string {
  return `${url.pathname}${url.search}`;
}

function closing(pool: Pool): { value: Pool } & AsyncDisposable {
  return { value: pool, [Symbol.asyncDispose]: () => pool.close() };
}
