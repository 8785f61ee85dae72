import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { beforeAll, expect, it } from "vitest";
import { describePeers } from "@longshore/testkit/peers";
import { NEWER } from "@longshore/testkit/programs";
import { containerdAddress, startContainerd } from "./containerd-daemon.js";
import { makeMultiArch, ociArchive } from "./images.js";
import { parseJson, pickList, pickText } from "./json.js";
import { SLOW, useSite } from "./site.js";

/** The annotation with the digest of a layer's table of contents. */
const TOC_DIGEST = "containerd.io/snapshot/stargz/toc.digest";
/** Bytes at the end of a layer that say where its table of contents begins. */
const FOOTER = 51;

describePeers("eStargz, for pulling single files", ["newer-clients"], () => {
  const site = useSite("estargz");

  beforeAll(async () => {
    site().own(await startContainerd(site().folder, NEWER));
  }, SLOW);

  const images = (program: "ctr" | "ctr-remote", ...args: string[]) =>
    NEWER.run(program, [containerdAddress(site().folder), "--namespace=test", "images", ...args]);

  /** A part of a layer, as those that mount it ask for it. */
  const part = async (layer: unknown, range: string): Promise<Buffer> => {
    const response = await fetch(`http://${site().host}/v2/lazy/app/blobs/${pickText(layer, "digest")}`, {
      headers: { range: `bytes=${range}` },
    });
    expect(response.status).toBe(206);
    return Buffer.from(await response.arrayBuffer());
  };

  it(
    "is pushed for several platforms, and its table of contents is found by ranges",
    async () => {
      const multi = makeMultiArch("oci", ["amd64", "arm64"]);
      const [plain, lazy] = [`${site().host}/plain/app:1`, `${site().host}/lazy/app:1`];
      const archive = join(site().folder, "image.tar");
      await writeFile(archive, ociArchive(multi, plain));
      await images("ctr", "import", "--all-platforms", "--no-unpack", archive);
      await images("ctr-remote", "convert", "--estargz", "--oci", "--all-platforms", plain, lazy);
      await images("ctr", "push", "--plain-http", lazy);
      await site().held.verify("lazy/app", "1");

      const index = parseJson((await site().held.manifest("lazy/app", "1")).bytes);
      const children = pickList(index, "manifests");
      expect(children).toHaveLength(2);
      for (const child of children) {
        const manifest = parseJson((await site().held.manifest("lazy/app", pickText(child, "digest"))).bytes);
        const layers = pickList(manifest, "layers");
        expect(layers).toHaveLength(2);
        for (const layer of layers) {
          expect(pickText(layer, "annotations", TOC_DIGEST)).toMatch(/^sha256:/);
          const [, offset = ""] =
            /([0-9a-f]{16})STARGZ/.exec((await part(layer, `-${FOOTER}`)).toString("latin1")) ?? [];
          const table = await part(layer, `${Number.parseInt(offset, 16)}-`);
          expect(gunzipSync(table).toString("latin1")).toContain("stargz.index.json");
        }
      }
      await images("ctr", "rm", "--sync", plain, lazy);
      await images("ctr", "pull", "--plain-http", "--snapshotter=native", lazy);
    },
    SLOW,
  );
});
