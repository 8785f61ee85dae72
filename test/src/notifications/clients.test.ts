import { expect, it } from "vitest";
import { z } from "zod";
import { mkdir, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { contentOf, describeContent, manifestOf, OCI_CONFIG, OCI_MANIFEST } from "@longshore/testkit/fixtures";
import { describePeers } from "@longshore/testkit/peers";
import { run } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { startReceiver, type Receiver } from "./receiver.js";
import { startNotifying } from "./site.js";

const envelope = z.object({
  events: z.tuple([
    z.object({
      action: z.string(),
      target: z.object({
        mediaType: z.string(),
        digest: z.string(),
        repository: z.string(),
        tag: z.string().optional(),
      }),
      request: z.object({ method: z.string(), useragent: z.string() }),
    }),
  ]),
});

function eventsOf(receiver: Receiver) {
  return receiver.deliveries.map(({ body }) => envelope.parse(JSON.parse(body)).events[0]);
}

/** An image layout of one layer, as skopeo reads it. */
async function writeLayout(folder: string) {
  const config = contentOf('{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}');
  const layer = contentOf(gzipSync(Buffer.alloc(1024)));
  const image = manifestOf({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: describeContent(config, OCI_CONFIG),
    layers: [describeContent(layer, "application/vnd.oci.image.layer.v1.tar+gzip")],
  });
  await mkdir(`${folder}/blobs/sha256`, { recursive: true });
  for (const { bytes, digest } of [config, layer, image]) {
    await writeFile(`${folder}/blobs/sha256/${digest.slice("sha256:".length)}`, bytes);
  }
  await writeFile(`${folder}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
  const index = { schemaVersion: 2, manifests: [describeContent(image, OCI_MANIFEST)] };
  await writeFile(`${folder}/index.json`, JSON.stringify(index));
  return { config, layer, image };
}

describePeers("as clients use it", ["skopeo"], () => {
  it("skopeo: a push is the blobs and then the manifest, a pull the manifest and then the blobs, a delete the manifest and its tag", async () => {
    await using folder = await makeTemporaryFolder("layout");
    const { config, layer, image } = await writeLayout(`${folder.path}/source`);
    await using receiver = await startReceiver();
    await using registry = await startNotifying({
      notifications: { endpoints: [{ name: "e", url: receiver.url, timeout: "5s" }] },
      workers: 2,
    });
    const there = `docker://${registry.host}/team/app:1.0`;
    await run("skopeo", ["copy", "--dest-tls-verify=false", `oci:${folder.path}/source`, there]);
    const pushes = () => eventsOf(receiver).filter(({ action }) => action === "push");
    await expect.poll(() => pushes().length).toBe(3);
    const blobs = pushes().slice(0, 2);
    expect(new Set(blobs.map(({ target }) => target.digest))).toEqual(new Set([config.digest, layer.digest]));
    expect(pushes()[2]).toMatchObject({
      target: { digest: image.digest, mediaType: OCI_MANIFEST, repository: "team/app", tag: "1.0" },
      request: { method: "PUT" },
    });
    expect(pushes()[2]?.request.useragent).toContain("skopeo");

    const before = receiver.deliveries.length;
    await run("skopeo", ["copy", "--src-tls-verify=false", there, `dir:${folder.path}/target`]);
    const pulled = () =>
      eventsOf(receiver)
        .slice(before)
        .filter(({ request }) => request.method === "GET");
    await expect.poll(() => pulled().length).toBeGreaterThanOrEqual(3);
    expect(pulled().every(({ action }) => action === "pull")).toBe(true);
    expect(pulled()[0]?.target).toMatchObject({ digest: image.digest, tag: "1.0" });
    const digests = new Set(pulled().map(({ target }) => target.digest));
    expect(digests).toEqual(new Set([image.digest, config.digest, layer.digest]));

    await run("skopeo", ["delete", "--tls-verify=false", there]);
    const deletes = () => eventsOf(receiver).filter(({ action }) => action === "delete");
    await expect.poll(() => deletes().length).toBe(2);
    expect(deletes().map(({ target }) => target)).toMatchObject([
      { digest: image.digest, repository: "team/app" },
      { digest: "", tag: "1.0" },
    ]);
  }, 60_000);
});
