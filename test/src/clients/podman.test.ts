import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeClient } from "@longshore/testkit/peers";
import { dockerArchive, type Image, makeImage, makeMultiArch, MEDIA_TYPES, writeLayout } from "./images.js";
import { parseJson, pickList, pickText } from "./json.js";
import { SLOW, useSite } from "./site.js";

describeClient("podman", ({ attempt, run }) => {
  const site = useSite("podman");

  const storage = () => [
    `--root=${join(site().folder, "storage")}`,
    `--runroot=${join(site().folder, "run")}`,
    `--tmpdir=${join(site().folder, "tmp")}`,
    "--storage-driver=vfs",
    "--cgroup-manager=cgroupfs",
    "--events-backend=none",
  ];
  const podman = (...args: string[]) => run("podman", [...storage(), ...args]);
  const remote = (name: string) => `${site().host}/${name}`;
  const load = async (image: Image, name: string) => {
    const archive = join(site().folder, `${image.config.digest.slice("sha256:".length)}.tar`);
    await writeFile(archive, dockerArchive(image, name));
    await podman("load", `--input=${archive}`);
  };
  const push = (name: string, ...flags: string[]) => podman("push", "--tls-verify=false", ...flags, remote(name));
  const pull = (name: string, ...flags: string[]) => podman("pull", "--tls-verify=false", ...flags, remote(name));
  const imageId = async (name: string) => {
    const { stdout } = await podman("image", "inspect", "--format={{.Id}}", remote(name));
    return `sha256:${stdout.trim()}`;
  };

  it(
    "pushes a large image, removes it and pulls it back",
    async () => {
      const image = makeImage("oci", { bulk: 20 * 1024 * 1024 });
      await load(image, remote("library/app:1"));
      await push("library/app:1", "--format=oci");
      const manifest = await site().held.manifest("library/app", "1");
      expect(manifest.mediaType).toBe(MEDIA_TYPES.oci.manifest);
      await site().held.verify("library/app", "1");
      await podman("rmi", "--all", "--force");
      await pull("library/app:1");
      expect(await imageId("library/app:1")).toBe(pickText(parseJson(manifest.bytes), "config", "digest"));
    },
    SLOW,
  );

  it.each([
    ["v2s2", "gzip", MEDIA_TYPES.docker.manifest, MEDIA_TYPES.docker.layer],
    ["oci", "zstd", MEDIA_TYPES.oci.manifest, "application/vnd.oci.image.layer.v1.tar+zstd"],
  ])(
    "pushes and pulls the %s format with %s layers",
    async (format, compression, manifestType, layerType) => {
      const name = `library/${format}-${compression}:1`;
      await load(makeImage("oci", { bulk: 100_000 }), remote(name));
      await push(name, `--format=${format}`, `--compression-format=${compression}`);
      const manifest = await site().held.manifest(`library/${format}-${compression}`, "1");
      expect(manifest.mediaType).toBe(manifestType);
      const layers = pickList(parseJson(manifest.bytes), "layers").map((layer) => pickText(layer, "mediaType"));
      // podman leaves the empty layer as it once met it, in gzip.
      expect(layers).toContain(layerType);
      await site().held.verify(`library/${format}-${compression}`, "1");
      await podman("rmi", "--all", "--force");
      await pull(name);
    },
    SLOW,
  );

  it(
    "tags again, and lists the tags",
    async () => {
      await load(makeImage("oci"), remote("library/tagged:1"));
      await push("library/tagged:1");
      await podman("tag", remote("library/tagged:1"), remote("library/tagged:2"));
      await push("library/tagged:2");
      const { stdout } = await podman("search", "--tls-verify=false", "--list-tags", remote("library/tagged"));
      expect([...stdout.matchAll(/library\/tagged\s+(\S+)/g)].map((line) => line[1]).sort()).toEqual(["1", "2"]);
      expect(await site().held.resolve("library/tagged", "2")).toBe(await site().held.resolve("library/tagged", "1"));
    },
    SLOW,
  );

  it(
    "pushes a multi-arch image as an index and pulls each platform from it",
    async () => {
      const multi = makeMultiArch("oci", ["amd64", "arm64"]);
      const layout = join(site().folder, "layout");
      await writeLayout(layout, Object.fromEntries(multi.images.map((image) => [image.architecture, image])));
      await podman("manifest", "create", "everything");
      for (const { architecture } of multi.images) {
        await podman("manifest", "add", `--arch=${architecture}`, "everything", `oci:${layout}:${architecture}`);
      }
      await podman(
        "manifest",
        "push",
        "--all",
        "--tls-verify=false",
        "everything",
        `docker://${remote("library/multi:1")}`,
      );
      expect((await site().held.manifest("library/multi", "1")).mediaType).toBe(MEDIA_TYPES.oci.index);
      await site().held.verify("library/multi", "1");
      for (const { architecture, config } of multi.images) {
        await pull("library/multi:1", `--arch=${architecture}`);
        expect(await imageId("library/multi:1")).toBe(config.digest);
      }
    },
    SLOW,
  );

  it(
    "can't pull what was deleted, and can push it again",
    async () => {
      await load(makeImage("oci"), remote("library/deleted:1"));
      await push("library/deleted:1");
      const { digest } = await site().held.manifest("library/deleted", "1");
      await site().held.deleteManifest("library/deleted", digest);
      const gone = await attempt("podman", [...storage(), "pull", "--tls-verify=false", remote("library/deleted:1")]);
      expect(gone.code).not.toBe(0);
      expect(gone.stderr).toContain("manifest unknown");
      await push("library/deleted:1");
      await site().held.verify("library/deleted", "1");
    },
    SLOW,
  );
});
