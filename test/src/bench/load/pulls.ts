import { Pool } from "undici";
import { z } from "zod";
import { elapsed } from "./gets.js";
import type { LoadResult, PullJob } from "./job.js";

/** How many blobs of an image Docker fetches at once (`max-concurrent-downloads`). */
const BLOBS_AT_ONCE = 3;

const descriptor = z.object({ digest: z.string(), size: z.number() });
const manifestOf = z.object({ config: descriptor, layers: z.array(descriptor) });

/** Every client pulls the image once, all at the same time. Throws unless each of them gets every byte. */
export async function runPull(job: PullJob): Promise<LoadResult> {
  const started = performance.now();
  await Promise.all(Array.from({ length: job.clients }, () => pullImage(job)));
  return { operations: job.clients, seconds: elapsed(started), digests: [] };
}

async function pullImage({ origin, repository, tag }: PullJob): Promise<void> {
  // Connections of their own, as those of another machine are.
  const pool = new Pool(origin, { connections: BLOBS_AT_ONCE });
  try {
    const manifest = await pool.request({
      method: "GET",
      path: `/v2/${repository}/manifests/${tag}`,
      headers: { accept: "application/vnd.oci.image.manifest.v1+json" },
    });
    const text = await manifest.body.text();
    if (manifest.statusCode !== 200) throw new Error(`a manifest was answered ${manifest.statusCode}: ${text}`);
    const { config, layers } = manifestOf.parse(JSON.parse(text));
    const queue = [config, ...layers].values();
    await Promise.all(
      Array.from({ length: BLOBS_AT_ONCE }, async () => {
        for (const { digest, size } of queue) {
          const blob = await pool.request({ method: "GET", path: `/v2/${repository}/blobs/${digest}` });
          let received = 0;
          for await (const chunk of blob.body) received += z.instanceof(Buffer).parse(chunk).length;
          if (blob.statusCode !== 200 || received !== size)
            throw new Error(`a blob of ${size} bytes was answered ${blob.statusCode} with ${received} bytes`);
        }
      }),
    );
  } finally {
    await pool.close();
  }
}
