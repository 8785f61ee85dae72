import { beforeAll, expect, it } from "vitest";
import { digestOf } from "@longshore/testkit/fixtures";
import { describeClient } from "@longshore/testkit/peers";
import { startDockerEngine, type DockerEngine } from "./docker-engine.js";
import { dockerArchive, type Image, makeImage, makeMultiArch, MEDIA_TYPES } from "./images.js";
import { parseJson, pickList, pickText } from "./json.js";
import { SLOW, useSite } from "./site.js";

describeClient("docker", (programs) => {
  const site = useSite("docker-client");
  const image = makeImage("docker", { bulk: 20 * 1024 * 1024 });
  let engine: DockerEngine;

  beforeAll(async () => {
    engine = site().own(await startDockerEngine({ programs }));
    await engine.docker(["load"], { input: dockerArchive(image, "fixture:1") });
  }, SLOW);

  const remote = (name: string) => `${site().host}/${name}`;
  const push = async (name: string, from = "fixture:1") => {
    await engine.docker(["tag", from, remote(name)]);
    await engine.docker(["push", remote(name)]);
  };
  /** The layers of an image that the engine has, before compression: what an image is known by in both of its stores. */
  const layersOf = async (name: string, { architecture }: Image): Promise<unknown> => {
    // The older engine has one platform of an image at a time.
    const platform = engine.keepsManifests ? [`--platform=linux/${architecture}`] : [];
    const { stdout } = await engine.docker(["image", "inspect", ...platform, "--format={{json .RootFS.Layers}}", name]);
    return parseJson(stdout);
  };
  const expectImage = async (name: string, expected: Image) =>
    expect(await layersOf(name, expected)).toEqual(expected.archives.map((archive) => digestOf(archive)));

  it(
    "pushes an image of several layers, an empty one among them",
    async () => {
      await push("library/app:1");
      const manifest = await site().held.manifest("library/app", "1");
      expect(manifest.mediaType).toBe(MEDIA_TYPES.docker.manifest);
      expect(pickText(parseJson(manifest.bytes), "config", "digest")).toBe(image.config.digest);
      expect(pickList(parseJson(manifest.bytes), "layers")).toHaveLength(image.layers.length);
      await site().held.verify("library/app", "1");
    },
    SLOW,
  );

  it(
    "pulls what it pushed, by tag and by digest",
    async () => {
      await push("library/pulled:1");
      const { digest } = await site().held.manifest("library/pulled", "1");
      await engine.docker(["rmi", remote("library/pulled:1")]);
      const pulled = await engine.docker(["pull", remote("library/pulled:1")]);
      expect(pulled.stdout).toContain(digest);
      await expectImage(remote("library/pulled:1"), image);
      await engine.docker(["pull", remote(`library/pulled@${digest}`)]);
    },
    SLOW,
  );

  it(
    "downloads every layer again after all of it was removed",
    async () => {
      const other = makeImage("docker", { bulk: 1024 * 1024 });
      await engine.docker(["load"], { input: dockerArchive(other, "other:1") });
      await push("library/fresh:1", "other:1");
      await engine.docker(["rmi", "--force", "other:1", remote("library/fresh:1")]);
      const pulled = await engine.docker(["pull", remote("library/fresh:1")]);
      expect(pulled.stdout).toContain("Pull complete");
      await expectImage(remote("library/fresh:1"), other);
    },
    SLOW,
  );

  it(
    "tags again and mounts layers into another repository",
    async () => {
      await push("library/tagged:1");
      await push("library/tagged:2");
      const { digest } = await site().held.manifest("library/tagged", "1");
      expect(await site().held.tags("library/tagged")).toEqual(["1", "2"]);
      expect(await site().held.resolve("library/tagged", "2")).toBe(digest);
      await engine.docker(["tag", remote("library/tagged:1"), remote("elsewhere/deep/tagged:1")]);
      const mounted = await engine.docker(["push", remote("elsewhere/deep/tagged:1")]);
      expect(mounted.stdout).toContain("Mounted from");
      expect(await site().held.resolve("elsewhere/deep/tagged", "1")).toBe(digest);
      await site().held.verify("elsewhere/deep/tagged", "1");
    },
    SLOW,
  );

  it(
    "moves a tag to another image",
    async () => {
      const next = makeImage("docker");
      await engine.docker(["load"], { input: dockerArchive(next, "next:1") });
      await push("library/moved:latest");
      await push("library/moved:latest", "next:1");
      const manifest = parseJson((await site().held.manifest("library/moved", "latest")).bytes);
      expect(pickText(manifest, "config", "digest")).toBe(next.config.digest);
    },
    SLOW,
  );

  it(
    "builds on a base that it pulls, and pushes the result",
    async () => {
      await push("library/base:1");
      await engine.docker(["rmi", remote("library/base:1")]);
      const dockerfile = `FROM ${remote("library/base:1")}\nLABEL built=here\nENV A=b\n`;
      await engine.docker(["build", "--pull", "--tag", remote("library/built:1"), "-"], { input: dockerfile });
      await engine.docker(["push", remote("library/built:1")]);
      await site().held.verify("library/built", "1");
    },
    SLOW,
  );

  it(
    "pulls images of the OCI format and picks its platform from an index",
    async () => {
      const multi = makeMultiArch("oci", ["arm64", "amd64"]);
      await site().held.push("oci/multi", "1", multi);
      const [arm, amd] = multi.images;
      if (arm === undefined || amd === undefined) throw new Error("an index of two images");
      await engine.docker(["pull", remote("oci/multi:1")]);
      await expectImage(remote("oci/multi:1"), amd);
      await engine.docker(["pull", "--platform=linux/arm64", remote("oci/multi:1")]);
      await expectImage(remote("oci/multi:1"), arm);
    },
    SLOW,
  );

  it(
    "pushes a manifest list and pulls each platform from it",
    async () => {
      const platforms = ["amd64", "arm64"].map((architecture) => makeImage("docker", { architecture }));
      const names = platforms.map(({ architecture }) => remote(`library/list:${architecture}`));
      for (const [index, platform] of platforms.entries()) {
        const name = names[index] ?? "";
        await engine.docker(["load"], { input: dockerArchive(platform, name) });
        await engine.docker(["push", name]);
      }
      const list = remote("library/list:all");
      await engine.docker(["manifest", "create", "--insecure", list, ...names]);
      await engine.docker(["manifest", "annotate", "--arch=arm64", list, names[1] ?? ""]);
      await engine.docker(["manifest", "push", "--insecure", list]);
      expect((await site().held.manifest("library/list", "all")).mediaType).toBe(MEDIA_TYPES.docker.index);
      await site().held.verify("library/list", "all");
      for (const platform of platforms) {
        await engine.docker(["pull", `--platform=linux/${platform.architecture}`, list]);
        await expectImage(list, platform);
      }
    },
    SLOW,
  );

  it(
    "can't pull what was deleted, and can push it again",
    async () => {
      await push("library/deleted:1");
      const { digest } = await site().held.manifest("library/deleted", "1");
      await site().held.deleteManifest("library/deleted", digest);
      const pulled = await engine.attempt(["pull", remote("library/deleted:1")]);
      expect(pulled.code).not.toBe(0);
      const name = remote("library/deleted:1");
      expect(pulled.stderr).toContain(
        engine.keepsManifests ? `${name}: not found` : `manifest for ${name} not found: manifest unknown`,
      );
      await push("library/deleted:1");
      await site().held.verify("library/deleted", "1");
    },
    SLOW,
  );

  it(
    "is told in plain words that a repository doesn't exist",
    async () => {
      const pulled = await engine.attempt(["pull", remote("no/such/repository:1")]);
      expect(pulled.code).not.toBe(0);
      expect(pulled.stderr).toMatch(/not found/);
    },
    SLOW,
  );
});
