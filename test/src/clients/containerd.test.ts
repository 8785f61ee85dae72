import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { describeClient } from "@longshore/testkit/peers";
import { containerdAddress, startContainerd } from "./containerd-daemon.js";
import { type Image, makeImage, makeMultiArch, type MultiArch, MEDIA_TYPES, ociArchive } from "./images.js";
import { SLOW, useSite } from "./site.js";

describeClient("containerd", (programs) => {
  const { attempt, run } = programs;
  const site = useSite("containerd");

  beforeAll(async () => {
    site().own(await startContainerd(site().folder, programs));
  }, SLOW);

  const client = (args: readonly string[]) => [containerdAddress(site().folder), "--namespace=test", ...args];
  const ctr = (...args: string[]) => run("ctr", client(args));
  const remote = (name: string) => `${site().host}/${name}`;
  const push = (name: string, ...flags: string[]) => ctr("images", "push", "--plain-http", ...flags, remote(name));
  const pull = (name: string, ...flags: string[]) => ctr("images", "pull", "--plain-http", ...flags, remote(name));
  /** The snapshotter can't unpack on every file system: only content moves here. */
  const load = async (image: Image | MultiArch, name: string) => {
    const archive = join(site().folder, "archive.tar");
    await writeFile(archive, ociArchive(image, remote(name)));
    await ctr("images", "import", "--all-platforms", "--no-unpack", archive);
  };
  const digestOf = async (name: string) => {
    const { stdout } = await ctr("images", "ls", `name==${remote(name)}`);
    return /sha256:[0-9a-f]{64}/.exec(stdout)?.[0];
  };

  it(
    "pushes a large image, forgets it and pulls it back",
    async () => {
      const image = makeImage("oci", { bulk: 20 * 1024 * 1024 });
      await load(image, "library/app:1");
      await push("library/app:1");
      expect(await site().held.resolve("library/app", "1")).toBe(image.manifest.digest);
      await site().held.verify("library/app", "1");
      await ctr("images", "rm", "--sync", remote("library/app:1"));
      expect((await ctr("content", "ls", "--quiet")).stdout).not.toContain(image.config.digest);
      await pull("library/app:1", "--snapshotter=native");
      expect(await digestOf("library/app:1")).toBe(image.manifest.digest);
      expect((await ctr("content", "ls", "--quiet")).stdout).toContain(image.config.digest);
    },
    SLOW,
  );

  it.each(["oci", "docker"] as const)(
    "pushes and pulls all platforms (%s)",
    async (format) => {
      const multi = makeMultiArch(format, ["amd64", "arm64", "s390x"]);
      const name = `library/multi-${format}`;
      await load(multi, `${name}:1`);
      await push(`${name}:1`);
      const index = await site().held.manifest(name, "1");
      expect([index.digest, index.mediaType]).toEqual([multi.manifest.digest, MEDIA_TYPES[format].index]);
      await site().held.verify(name, "1");
      await ctr("images", "rm", "--sync", remote(`${name}:1`));
      await ctr("content", "fetch", "--plain-http", "--all-platforms", remote(`${name}:1`));
      const { stdout } = await ctr("content", "ls", "--quiet");
      for (const child of multi.images) {
        expect(stdout).toContain(child.manifest.digest);
      }
    },
    SLOW,
  );

  it(
    "tags again without changing the digest",
    async () => {
      const image = makeImage("docker");
      await load(image, "library/tagged:1");
      await push("library/tagged:1");
      await ctr("images", "tag", remote("library/tagged:1"), remote("library/tagged:2"));
      await push("library/tagged:2");
      expect(await site().held.tags("library/tagged")).toEqual(["1", "2"]);
      expect(await site().held.resolve("library/tagged", "2")).toBe(image.manifest.digest);
    },
    SLOW,
  );

  it(
    "can't pull what was deleted, and can push it again",
    async () => {
      const image = makeImage("oci");
      await load(image, "library/deleted:1");
      await push("library/deleted:1");
      await site().held.deleteManifest("library/deleted", image.manifest.digest);
      const gone = await attempt("ctr", client(["images", "pull", "--plain-http", remote("library/deleted:1")]));
      expect(gone.code).not.toBe(0);
      expect(gone.stderr).toContain("not found");
      await push("library/deleted:1");
      await site().held.verify("library/deleted", "1");
    },
    SLOW,
  );
});
