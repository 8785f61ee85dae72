import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { describePeers } from "@longshore/testkit/peers";
import { NEWER } from "@longshore/testkit/programs";
import { type DockerEngine, startDockerEngine } from "./docker-engine.js";
import { MEDIA_TYPES } from "./images.js";
import { parseJson, pick, pickList, pickText } from "./json.js";
import { SLOW, useSite } from "./site.js";

const CACHE_CONFIG = "application/vnd.buildkit.cacheconfig.v0";
const ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd";

/** The first stage leaves nothing in the image but a file, so that its own layer is in a cache of every stage alone. */
const DOCKERFILE = `FROM scratch AS first
COPY one /one
FROM scratch
COPY --from=first /one /first
COPY two /two
`;

/** Steps whose layers are in the image. */
const IN_IMAGE = 2;

describePeers("BuildKit", ["newer-clients"], () => {
  const site = useSite("buildkit");
  let engine: DockerEngine;

  beforeAll(async () => {
    engine = site().own(await startDockerEngine({ programs: NEWER }));
  }, SLOW);

  const remote = (name: string) => `${site().host}/${name}`;
  const json = async (repository: string, reference: string) =>
    parseJson((await site().held.manifest(repository, reference)).bytes);
  const types = (manifest: unknown) => pickList(manifest, "layers").map((layer) => pickText(layer, "mediaType"));

  /** A build of files that no other one has; each call builds the same. Says what BuildKit reported. */
  const prepare = async (name: string) => {
    const context = join(site().folder, name);
    await mkdir(context);
    await writeFile(join(context, "Dockerfile"), DOCKERFILE);
    for (const file of ["one", "two"]) await writeFile(join(context, file), randomBytes(100_000));
    return async (...flags: string[]) =>
      (await engine.docker(["buildx", "build", "--progress=plain", ...flags, context])).stderr;
  };
  const forgetBuilds = () => engine.docker(["buildx", "prune", "--all", "--force"]);
  /** Where a build's whole result goes, so that BuildKit has to download what it takes from a cache. */
  const written = (name: string) => `--output=type=oci,dest=${join(site().folder, `${name}.tar`)}`;
  /** A step whose layers take a while to be downloaded is reported with them, and then as done. */
  const cachedSteps = (report: string) => new Set(report.match(/^#\d+(?= CACHED$| sha256:)/gm)).size;

  it.each([
    ["image", "min"],
    ["image", "max"],
    ["index", "min"],
    ["index", "max"],
  ])(
    "keeps its cache in the registry as an %s (mode %s) and builds from it",
    async (form, mode) => {
      const tag = `${form}-${mode}`;
      const build = await prepare(tag);
      const ref = remote(`build/cache:${tag}`);
      await build(
        `--cache-to=type=registry,ref=${ref},mode=${mode},image-manifest=${form === "image"}`,
        "--output=type=cacheonly",
      );
      const manifest = await site().held.manifest("build/cache", tag);
      const body = parseJson(manifest.bytes);
      if (form === "image") {
        expect(manifest.mediaType).toBe(MEDIA_TYPES.oci.manifest);
        expect(pickText(body, "config", "mediaType")).toBe(CACHE_CONFIG);
        await site().held.verify("build/cache", tag);
      } else {
        expect(manifest.mediaType).toBe(MEDIA_TYPES.oci.index);
        expect(pickList(body, "manifests").map((child) => pickText(child, "mediaType"))).toContain(CACHE_CONFIG);
      }
      await forgetBuilds();
      const from = `--cache-from=type=registry,ref=${ref}`;
      const whole = await build(from, written(tag));
      expect(cachedSteps(whole), whole).toBeGreaterThanOrEqual(mode === "max" ? 3 : IN_IMAGE);
      await forgetBuilds();
      const first = await build(from, "--target=first", written(`${tag}-first`));
      expect(cachedSteps(first), first).toBe(mode === "max" ? 1 : 0);
    },
    SLOW,
  );

  it(
    "keeps its cache in the image itself and builds from that",
    async () => {
      const build = await prepare("inline");
      await build("--cache-to=type=inline", "--push", `--tag=${remote("build/inline:1")}`);
      await site().held.verify("build/inline", "1");
      await engine.docker(["rmi", remote("build/inline:1")]);
      await forgetBuilds();
      const report = await build(`--cache-from=type=registry,ref=${remote("build/inline:1")}`, written("inline"));
      expect(cachedSteps(report)).toBeGreaterThanOrEqual(IN_IMAGE);
    },
    SLOW,
  );

  it(
    "moves the tag of a cache from an index to an image and back",
    async () => {
      const build = await prepare("moved");
      for (const asImage of [true, false, true]) {
        await build(
          `--cache-to=type=registry,ref=${remote("build/moved:cache")},image-manifest=${asImage}`,
          "--output=type=cacheonly",
        );
        expect((await site().held.manifest("build/moved", "cache")).mediaType).toBe(
          MEDIA_TYPES.oci[asImage ? "manifest" : "index"],
        );
      }
    },
    SLOW,
  );

  it(
    "attests how it built each platform",
    async () => {
      const build = await prepare("attested");
      await build(
        "--platform=linux/amd64,linux/arm64",
        "--provenance=mode=max",
        "--push",
        `--tag=${remote("attested/app:1")}`,
      );
      await site().held.verify("attested/app", "1");
      const children = pickList(await json("attested/app", "1"), "manifests");
      const about = (child: unknown) => pick(child, "annotations", "vnd.docker.reference.digest");
      const attestations = children.filter((child) => about(child) !== undefined);
      const images = children.filter((child) => about(child) === undefined);
      expect(attestations.map(about).sort()).toEqual(images.map((child) => pickText(child, "digest")).sort());
      expect(images).toHaveLength(2);
      for (const attestation of attestations) {
        expect(types(await json("attested/app", pickText(attestation, "digest")))).toEqual([
          "application/vnd.in-toto+json",
        ]);
      }
      const format = "--format={{json .Provenance}}";
      const { stdout } = await engine.docker(["buildx", "imagetools", "inspect", format, remote("attested/app:1")]);
      expect(stdout).toContain(Buffer.from(DOCKERFILE).toString("base64"));
      await engine.docker(["pull", remote("attested/app:1")]);
    },
    SLOW,
  );

  it.each([
    ["zstd", ZSTD],
    ["uncompressed", "application/vnd.oci.image.layer.v1.tar"],
  ])(
    "compresses layers as it is told (%s), and pulls them",
    async (compression, mediaType) => {
      const build = await prepare(compression);
      const name = remote(`compressed/${compression}:1`);
      const how = `compression=${compression},force-compression=true,oci-mediatypes=true`;
      await build("--provenance=false", `--output=type=image,push=true,name=${name},${how}`);
      expect(types(await json(`compressed/${compression}`, "1"))).toEqual([mediaType, mediaType]);
      await site().held.verify(`compressed/${compression}`, "1");
      await engine.docker(["rmi", name]);
      await forgetBuilds();
      expect((await engine.docker(["pull", name])).stdout).toContain("Pull complete");
    },
    SLOW,
  );

  it(
    "builds the same digest twice with rewritten timestamps, and the second push finds all there",
    async () => {
      const build = await prepare("reproduced");
      for (const tag of ["1", "2"]) {
        const layout = join(site().folder, `reproduced-${tag}`);
        const output = `--output=type=oci,tar=false,dest=${layout},rewrite-timestamp=true`;
        await build("--no-cache", "--provenance=false", "--build-arg=SOURCE_DATE_EPOCH=1700000000", output);
        const destination = `docker://${remote(`reproduced/app:${tag}`)}`;
        const copy = ["--insecure-policy", "copy", "--preserve-digests", "--dest-tls-verify=false"];
        await NEWER.run("skopeo", [...copy, `oci:${layout}`, destination]);
      }
      await site().held.verify("reproduced/app", "1");
      expect(await site().held.resolve("reproduced/app", "2")).toBe(await site().held.resolve("reproduced/app", "1"));
    },
    SLOW,
  );

  it(
    "joins what it built for each platform under a tag, and copies that to another repository",
    async () => {
      const build = await prepare("joined");
      const platforms = ["amd64", "arm64"];
      for (const architecture of platforms) {
        const name = remote(`joined/app:${architecture}`);
        await build(`--platform=linux/${architecture}`, "--provenance=false", "--push", `--tag=${name}`);
      }
      const imagetools = (...args: string[]) => engine.docker(["buildx", "imagetools", ...args]);
      const parts = platforms.map((architecture) => remote(`joined/app:${architecture}`));
      await imagetools("create", `--tag=${remote("joined/app:all")}`, ...parts);
      await site().held.verify("joined/app", "all");
      const digests = await Promise.all(
        platforms.map((architecture) => site().held.resolve("joined/app", architecture)),
      );
      expect(pickList(await json("joined/app", "all"), "manifests").map((child) => pickText(child, "digest"))).toEqual(
        digests,
      );
      await imagetools("create", `--tag=${remote("elsewhere/copied:1")}`, remote("joined/app:all"));
      expect(await site().held.resolve("elsewhere/copied", "1")).toBe(await site().held.resolve("joined/app", "all"));
      await site().held.verify("elsewhere/copied", "1");
    },
    SLOW,
  );
});
