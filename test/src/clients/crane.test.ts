import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { describePeer } from "@longshore/testkit/peers";
import { attempt, run } from "@longshore/testkit/processes";
import { dockerArchive, makeImage, makeMultiArch, MEDIA_TYPES, writeLayout } from "./images.js";
import { parseJson, pickList, pickText } from "./json.js";
import { SLOW, useSite } from "./site.js";

describePeer("crane", () => {
  const site = useSite("crane");
  const image = makeImage("oci", { bulk: 20 * 1024 * 1024 });
  const multi = makeMultiArch("oci", ["amd64", "arm64"]);

  beforeAll(async () => {
    await writeLayout(join(site().folder, "single"), { latest: image });
    await writeLayout(join(site().folder, "multi"), { latest: multi });
  }, SLOW);

  const crane = async (...args: string[]) => (await run("crane", args)).stdout.trim();
  const remote = (name: string) => `${site().host}/${name}`;
  const push = (layout: string, name: string) => crane("push", join(site().folder, layout), remote(name));

  it(
    "pushes an OCI layout whose bytes arrive unchanged",
    async () => {
      await push("single", "library/app:1");
      expect(await crane("digest", remote("library/app:1"))).toBe(image.manifest.digest);
      await site().held.verify("library/app", "1");
      await crane("validate", "--remote", remote("library/app:1"));
      expect(parseJson(await crane("config", remote("library/app:1")))).toEqual(parseJson(image.config.bytes));
      expect(parseJson(await crane("manifest", remote("library/app:1")))).toEqual(parseJson(image.manifest.bytes));
    },
    SLOW,
  );

  it(
    "pushes what docker save wrote, and pulls it as such an archive",
    async () => {
      const saved = makeImage("docker", { bulk: 1024 * 1024 });
      const archive = join(site().folder, "saved.tar");
      await writeFile(archive, dockerArchive(saved, "saved:1"));
      await crane("push", archive, remote("library/saved:1"));
      expect((await site().held.manifest("library/saved", "1")).mediaType).toBe(MEDIA_TYPES.docker.manifest);
      await site().held.verify("library/saved", "1");
      const back = join(site().folder, "back.tar");
      await crane("pull", remote("library/saved:1"), back);
      await crane("validate", "--tarball", back);
    },
    SLOW,
  );

  it(
    "pushes an index and pulls it back whole",
    async () => {
      await push("multi", "library/multi:1");
      const index = await site().held.manifest("library/multi", "1");
      expect([index.digest, index.mediaType]).toEqual([multi.manifest.digest, MEDIA_TYPES.oci.index]);
      await site().held.verify("library/multi", "1");
      expect(await crane("digest", "--platform=linux/arm64", remote("library/multi:1"))).toBe(
        multi.images[1]?.manifest.digest,
      );
      const back = join(site().folder, "multi-back");
      await crane("pull", "--format=oci", remote("library/multi:1"), back);
      await crane("push", "--index", back, remote("library/multi:again"));
      await site().held.verify("library/multi", "again");
    },
    SLOW,
  );

  it(
    "makes an index of images that are there already",
    async () => {
      for (const { architecture, ...child } of multi.images) {
        await site().held.push("library/joined", architecture, { architecture, ...child });
      }
      const parts = multi.images.map(({ architecture }) => `--manifest=${remote(`library/joined:${architecture}`)}`);
      await crane("index", "append", ...parts, `--tag=${remote("library/joined:all")}`);
      const children = pickList(parseJson((await site().held.manifest("library/joined", "all")).bytes), "manifests");
      expect(children.map((child) => pickText(child, "digest"))).toEqual(
        multi.images.map(({ manifest }) => manifest.digest),
      );
      await crane(
        "index",
        "filter",
        "--platform=linux/arm64",
        remote("library/joined:all"),
        `--tag=${remote("library/joined:arm")}`,
      );
      await site().held.verify("library/joined", "arm");
    },
    SLOW,
  );

  it(
    "tags again and copies to another repository without changing the digest",
    async () => {
      await push("single", "library/tagged:1");
      await crane("tag", remote("library/tagged:1"), "2");
      await crane("copy", remote("library/tagged:2"), remote("elsewhere/deep/tagged:1"));
      await crane("copy", "--all-tags", remote("library/tagged"), remote("elsewhere/all"));
      expect((await crane("ls", remote("library/tagged"))).split("\n").sort()).toEqual(["1", "2"]);
      for (const name of ["library/tagged:2", "elsewhere/deep/tagged:1", "elsewhere/all:2"]) {
        expect(await crane("digest", remote(name))).toBe(image.manifest.digest);
      }
      await site().held.verify("elsewhere/deep/tagged", "1");
    },
    SLOW,
  );

  it(
    "appends a layer, changes labels and reads a single blob",
    async () => {
      await push("single", "library/edited:1");
      const layer = join(site().folder, "layer.tar");
      await writeFile(layer, makeImage("oci").archives[0] ?? "");
      await crane(
        "append",
        `--base=${remote("library/edited:1")}`,
        `--new_layer=${layer}`,
        `--new_tag=${remote("library/edited:2")}`,
      );
      await crane("mutate", "--label=a=b", remote("library/edited:2"), `--tag=${remote("library/edited:3")}`);
      const digests = await site().held.verify("library/edited", "3");
      expect(digests.has(image.layers[2]?.digest ?? "")).toBe(true);
      expect(await crane("blob", remote(`library/edited@${image.config.digest}`))).toBe(image.config.bytes.toString());
    },
    SLOW,
  );

  it(
    "lists repositories",
    async () => {
      await push("single", "catalog/one:1");
      await push("single", "catalog/two/three:1");
      const repositories = (await crane("catalog", site().host)).split("\n");
      expect(repositories).toEqual(expect.arrayContaining(["catalog/one", "catalog/two/three"]));
    },
    SLOW,
  );

  it(
    "deletes an image, which then can't be pulled, and pushes it again",
    async () => {
      await push("single", "library/deleted:1");
      await crane("delete", remote(`library/deleted@${image.manifest.digest}`));
      expect(await site().held.tags("library/deleted")).toEqual([]);
      const gone = await attempt("crane", ["pull", remote("library/deleted:1"), join(site().folder, "gone.tar")]);
      expect(gone.code).not.toBe(0);
      expect(gone.stderr).toContain("MANIFEST_UNKNOWN");
      await push("single", "library/deleted:1");
      await site().held.verify("library/deleted", "1");
    },
    SLOW,
  );
});
