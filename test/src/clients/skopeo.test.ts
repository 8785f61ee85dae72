import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { describeClient } from "@longshore/testkit/peers";
import { digestOf } from "@longshore/testkit/fixtures";
import { makeImage, makeMultiArch, MEDIA_TYPES, writeLayout } from "./images.js";
import { parseJson, pickList, pickText } from "./json.js";
import { SLOW, useSite } from "./site.js";

describeClient("skopeo", ({ attempt, run }) => {
  const site = useSite("skopeo");
  const image = makeImage("oci", { bulk: 20 * 1024 * 1024 });

  beforeAll(async () => {
    await writeLayout(join(site().folder, "layout"), { single: image, fresh: makeImage("oci") });
  }, SLOW);

  const skopeo = (...args: string[]) => run("skopeo", ["--insecure-policy", ...args]);
  const remote = (name: string) => `docker://${site().host}/${name}`;
  const layout = (tag: string) => `oci:${join(site().folder, "layout")}:${tag}`;
  const push = (tag: string, name: string, ...flags: string[]) =>
    skopeo("copy", "--dest-tls-verify=false", ...flags, layout(tag), remote(name));

  it(
    "pushes an OCI image whose bytes arrive unchanged",
    async () => {
      await push("single", "library/single:1", "--preserve-digests");
      expect((await site().held.manifest("library/single", "1")).digest).toBe(image.manifest.digest);
      const expected = [image.manifest, image.config, ...image.layers].map((part) => part.digest);
      expect([...(await site().held.verify("library/single", "1"))].sort()).toEqual(expected.sort());
    },
    SLOW,
  );

  it(
    "pulls back what it pushed",
    async () => {
      await push("single", "library/pulled:1", "--preserve-digests");
      const folder = join(site().folder, "pulled");
      await skopeo("copy", "--src-tls-verify=false", remote("library/pulled:1"), `dir:${folder}`);
      expect(digestOf(await readFile(join(folder, "manifest.json")))).toBe(image.manifest.digest);
      for (const part of [image.config, ...image.layers]) {
        expect(digestOf(await readFile(join(folder, part.digest.slice("sha256:".length))))).toBe(part.digest);
      }
    },
    SLOW,
  );

  it(
    "pushes in Docker's schema 2",
    async () => {
      await push("single", "library/schema2:1", "--format=v2s2");
      const manifest = await site().held.manifest("library/schema2", "1");
      expect(manifest.mediaType).toBe(MEDIA_TYPES.docker.manifest);
      await site().held.verify("library/schema2", "1");
      const { stdout } = await skopeo("inspect", "--tls-verify=false", remote("library/schema2:1"));
      expect(pickText(parseJson(stdout), "Digest")).toBe(manifest.digest);
    },
    SLOW,
  );

  it(
    "pushes layers compressed with zstd",
    async () => {
      // An image of its own: skopeo mounts a gzip layer that it knows to be there rather than compress it again.
      await push("fresh", "library/zstd:1", "--dest-compress-format=zstd");
      const layers = pickList(parseJson((await site().held.manifest("library/zstd", "1")).bytes), "layers");
      expect(layers.map((layer) => pickText(layer, "mediaType"))).toContain(
        "application/vnd.oci.image.layer.v1.tar+zstd",
      );
      await site().held.verify("library/zstd", "1");
    },
    SLOW,
  );

  it(
    "inspects an image and its configuration",
    async () => {
      await push("single", "library/inspected:1", "--preserve-digests");
      const { stdout } = await skopeo("inspect", "--tls-verify=false", remote("library/inspected:1"));
      const found = parseJson(stdout);
      expect(pickText(found, "Digest")).toBe(image.manifest.digest);
      expect(pickList(found, "Layers")).toEqual(image.layers.map((layer) => layer.digest));
      const config = await skopeo("inspect", "--tls-verify=false", "--config", "--raw", remote("library/inspected:1"));
      expect(digestOf(Buffer.from(config.stdout))).toBe(image.config.digest);
    },
    SLOW,
  );

  it(
    "tags again and copies to another repository without changing the digest",
    async () => {
      await push("single", "library/tagged:1", "--preserve-digests");
      const both = ["--src-tls-verify=false", "--dest-tls-verify=false", "--preserve-digests"];
      await skopeo("copy", ...both, remote("library/tagged:1"), remote("library/tagged:2"));
      await skopeo("copy", ...both, remote("library/tagged:1"), remote("elsewhere/deep/copy:1"));
      const { stdout } = await skopeo("list-tags", "--tls-verify=false", remote("library/tagged"));
      expect(pickList(parseJson(stdout), "Tags").map(String).sort()).toEqual(["1", "2"]);
      expect(await site().held.resolve("library/tagged", "2")).toBe(image.manifest.digest);
      await site().held.verify("elsewhere/deep/copy", "1");
    },
    SLOW,
  );

  it.each(["oci", "docker"] as const)(
    "pushes and pulls a multi-arch image (%s)",
    async (format) => {
      const whole = makeMultiArch(format, ["amd64", "arm64"]);
      const repository = `multi/${format}`;
      if (format === "oci") {
        const folder = join(site().folder, "multi-oci");
        await writeLayout(folder, { all: whole });
        await skopeo(
          "copy",
          "--all",
          "--preserve-digests",
          "--dest-tls-verify=false",
          `oci:${folder}:all`,
          remote(`${repository}:1`),
        );
      } else {
        await site().held.push(`${repository}-source`, "1", whole);
        const both = ["--src-tls-verify=false", "--dest-tls-verify=false", "--preserve-digests"];
        await skopeo("copy", "--all", ...both, remote(`${repository}-source:1`), remote(`${repository}:1`));
      }
      const index = await site().held.manifest(repository, "1");
      expect(index.mediaType).toBe(MEDIA_TYPES[format].index);
      expect(index.digest).toBe(whole.manifest.digest);
      await site().held.verify(repository, "1");

      const folder = join(site().folder, `back-${format}`);
      await skopeo("copy", "--all", "--src-tls-verify=false", remote(`${repository}:1`), `dir:${folder}`);
      expect(await readdir(folder)).toEqual(
        expect.arrayContaining(
          whole.images.map((child) => `${child.manifest.digest.slice("sha256:".length)}.manifest.json`),
        ),
      );
      const arm = await skopeo("--override-arch=arm64", "inspect", "--tls-verify=false", remote(`${repository}:1`));
      expect(pickText(parseJson(arm.stdout), "Architecture")).toBe("arm64");
    },
    SLOW,
  );

  it(
    "synchronises a repository with all its tags to a folder and from there into another registry path",
    async () => {
      const second = makeImage("oci");
      await site().held.push("sync/me", "a", image);
      await site().held.push("sync/me", "b", second);
      const folder = join(site().folder, "sync");
      await skopeo(
        "sync",
        "--src=docker",
        "--dest=dir",
        "--scoped",
        "--src-tls-verify=false",
        `${site().host}/sync/me`,
        folder,
      );
      await skopeo(
        "sync",
        "--src=dir",
        "--dest=docker",
        "--dest-tls-verify=false",
        join(folder, site().host, "sync"),
        `${site().host}/restored`,
      );
      expect(await site().held.tags("restored/me")).toEqual(["a", "b"]);
      expect(await site().held.resolve("restored/me", "b")).toBe(second.manifest.digest);
      await site().held.verify("restored/me", "a");
    },
    SLOW,
  );

  it(
    "deletes an image, which then can't be pulled, and pushes it again",
    async () => {
      await push("single", "library/deleted:1", "--preserve-digests");
      await skopeo("delete", "--tls-verify=false", remote("library/deleted:1"));
      expect(await site().held.resolve("library/deleted", "1")).toBeUndefined();
      expect(await site().held.resolve("library/deleted", image.manifest.digest)).toBeUndefined();
      const pull = await attempt("skopeo", ["inspect", "--tls-verify=false", remote("library/deleted:1")]);
      expect(pull.code).not.toBe(0);
      expect(pull.stderr).toContain("manifest unknown");
      await push("single", "library/deleted:1", "--preserve-digests");
      await site().held.verify("library/deleted", "1");
    },
    SLOW,
  );
});
