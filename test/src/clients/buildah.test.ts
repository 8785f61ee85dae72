import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeClient } from "@longshore/testkit/peers";
import { makeImage, MEDIA_TYPES } from "./images.js";
import { parseJson, pickList, pickText } from "./json.js";
import { SLOW, useSite } from "./site.js";

describeClient("buildah", ({ attempt, run }) => {
  const site = useSite("buildah");

  const storage = () => [
    `--root=${join(site().folder, "storage")}`,
    `--runroot=${join(site().folder, "run")}`,
    "--storage-driver=vfs",
  ];
  const env = { BUILDAH_ISOLATION: "chroot" };
  const buildah = (...args: string[]) => run("buildah", [...storage(), ...args], { env });
  const remote = (name: string) => `${site().host}/${name}`;
  const push = (name: string, ...flags: string[]) =>
    buildah("push", "--tls-verify=false", ...flags, remote(name), `docker://${remote(name)}`);
  const imageId = async (name: string) =>
    pickText(parseJson((await buildah("inspect", "--type=image", name)).stdout), "FromImageID");

  /** An image made the way buildah is scripted: a working container from nothing, a file, a commit. */
  const commit = async (name: string, text: string) => {
    const file = join(site().folder, "file");
    await writeFile(file, text);
    const container = (await buildah("from", "scratch")).stdout.trim();
    await buildah("copy", container, file, "/etc/file");
    await buildah("config", "--label=made=by-hand", container);
    await buildah("commit", "--rm", container, remote(name));
  };

  it(
    "commits, pushes, removes and pulls an image",
    async () => {
      await commit("library/app:1", "first");
      await push("library/app:1");
      expect((await site().held.manifest("library/app", "1")).mediaType).toBe(MEDIA_TYPES.oci.manifest);
      await site().held.verify("library/app", "1");
      const id = await imageId(remote("library/app:1"));
      await buildah("rmi", "--all", "--force");
      await buildah("pull", "--tls-verify=false", remote("library/app:1"));
      expect(await imageId(remote("library/app:1"))).toBe(id);
    },
    SLOW,
  );

  it(
    "pushes in Docker's schema 2 and with zstd layers",
    async () => {
      await commit("library/forms:1", "forms");
      await buildah("tag", remote("library/forms:1"), remote("library/docker:1"));
      await push("library/docker:1", "--format=v2s2");
      expect((await site().held.manifest("library/docker", "1")).mediaType).toBe(MEDIA_TYPES.docker.manifest);
      await site().held.verify("library/docker", "1");
      await commit("library/zstd:1", "zstd");
      await push("library/zstd:1", "--format=oci", "--compression-format=zstd");
      const layers = pickList(parseJson((await site().held.manifest("library/zstd", "1")).bytes), "layers");
      expect(layers.map((layer) => pickText(layer, "mediaType"))).toEqual([
        "application/vnd.oci.image.layer.v1.tar+zstd",
      ]);
      await site().held.verify("library/zstd", "1");
    },
    SLOW,
  );

  it(
    "builds on a base from the registry and shares its layers",
    async () => {
      const base = makeImage("oci", { bulk: 5 * 1024 * 1024 });
      await site().held.push("library/base", "1", base);
      await writeFile(join(site().folder, "Containerfile"), `FROM ${remote("library/base:1")}\nCOPY file /file\n`);
      await writeFile(join(site().folder, "file"), "on top");
      await buildah("build", "--tls-verify=false", "--layers", `--tag=${remote("library/built:1")}`, site().folder);
      await push("library/built:1");
      const layers = pickList(parseJson((await site().held.manifest("library/built", "1")).bytes), "layers");
      expect(layers.length).toBeGreaterThan(base.layers.length);
      await site().held.verify("library/built", "1");
    },
    SLOW,
  );

  it(
    "tags again without changing the digest",
    async () => {
      await commit("library/tagged:1", "tagged");
      await push("library/tagged:1");
      await buildah("tag", remote("library/tagged:1"), remote("library/tagged:2"));
      await push("library/tagged:2");
      expect(await site().held.tags("library/tagged")).toEqual(["1", "2"]);
      expect(await site().held.resolve("library/tagged", "2")).toBe(await site().held.resolve("library/tagged", "1"));
    },
    SLOW,
  );

  it.each([
    ["oci", MEDIA_TYPES.oci.index],
    ["v2s2", MEDIA_TYPES.docker.index],
  ])(
    "pushes a multi-arch image (%s)",
    async (format, mediaType) => {
      const list = `list-${format}`;
      await buildah("manifest", "create", list);
      for (const architecture of ["amd64", "arm64"]) {
        await writeFile(join(site().folder, "Containerfile"), "FROM scratch\nCOPY file /file\n");
        await writeFile(join(site().folder, "file"), `${format} ${architecture}`);
        await buildah("build", `--arch=${architecture}`, `--manifest=${list}`, site().folder);
      }
      const name = `library/multi-${format}`;
      await buildah(
        "manifest",
        "push",
        "--all",
        "--tls-verify=false",
        `--format=${format}`,
        list,
        `docker://${remote(`${name}:1`)}`,
      );
      expect((await site().held.manifest(name, "1")).mediaType).toBe(mediaType);
      await site().held.verify(name, "1");
      await buildah("pull", "--tls-verify=false", "--arch=arm64", remote(`${name}:1`));
    },
    SLOW,
  );

  it(
    "can't pull what was deleted, and can push it again",
    async () => {
      await commit("library/deleted:1", "deleted");
      await push("library/deleted:1");
      const { digest } = await site().held.manifest("library/deleted", "1");
      await site().held.deleteManifest("library/deleted", digest);
      const gone = await attempt("buildah", [
        ...storage(),
        "pull",
        "--policy=always",
        "--tls-verify=false",
        remote("library/deleted:1"),
      ]);
      expect(gone.code).not.toBe(0);
      expect(gone.stderr).toContain("manifest unknown");
      await push("library/deleted:1");
      await site().held.verify("library/deleted", "1");
    },
    SLOW,
  );
});
