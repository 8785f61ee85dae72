import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describePeers } from "@longshore/testkit/peers";
import { run } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { startRegistryOfKind, type RegistryKind, kindUnderTest } from "@longshore/testkit/registry-of-kind";
import { type Image, makeImage, makeMultiArch, type MultiArch } from "./images.js";
import { type Inspector, inspect } from "./inspect.js";
import { pickList } from "./json.js";
import { SLOW } from "./site.js";
import { changedPaths, hashTree } from "./tree.js";
import { finishUpload, leaveUpload } from "./uploads.js";

type Held = Map<string, Image | MultiArch>;

describePeers("one volume, two registries", ["docker-registry"], () => {
  const ours = kindUnderTest();
  const secret = "shared by both";
  let folder: Awaited<ReturnType<typeof makeTemporaryFolder>>;

  beforeEach(async () => {
    folder = await makeTemporaryFolder("exchange");
  });
  afterEach(() => folder[Symbol.asyncDispose]());

  /** Runs one registry on the volume for as long as the work takes, and stops it in good order. */
  const during = async (kind: RegistryKind, work: (host: string, held: Inspector) => Promise<void>) => {
    const registry = await startRegistryOfKind({ kind, root: join(folder.path, "data"), secret });
    try {
      await work(registry.host, inspect(registry.host));
    } catch (error) {
      throw new Error(`on ${kind}: ${registry.output().slice(-4000)}`, { cause: error });
    } finally {
      await registry[Symbol.asyncDispose]();
    }
  };

  const expectAll = async (held: Inspector, images: Held) => {
    for (const [name, image] of images) {
      const [repository = "", tag = ""] = name.split(":");
      const manifest = await held.manifest(repository, tag);
      expect([name, manifest.digest, manifest.mediaType]).toEqual([
        name,
        image.manifest.digest,
        image.manifest.mediaType,
      ]);
      const digests =
        "images" in image
          ? image.images.map((child) => child.manifest.digest)
          : image.layers.map((layer) => layer.digest);
      expect([...(await held.verify(repository, tag))]).toEqual(expect.arrayContaining(digests));
    }
    for (const repository of new Set([...images.keys()].map((name) => name.split(":")[0] ?? ""))) {
      const tags = [...images.keys()]
        .filter((name) => name.startsWith(`${repository}:`))
        .map((name) => name.slice(repository.length + 1));
      expect(await held.tags(repository)).toEqual(tags.sort());
    }
  };

  const catalog = async (host: string) => {
    const response = await fetch(`http://${host}/v2/_catalog?n=1000`);
    return pickList(await response.json(), "repositories")
      .map(String)
      .sort();
  };

  const writeFirst = async (held: Inspector): Promise<Held> => {
    const images: Held = new Map();
    const push = async (name: string, image: Image | MultiArch) => {
      const [repository = "", tag = ""] = name.split(":");
      await held.push(repository, tag, image);
      images.set(name, image);
    };
    await push("library/docker:1", makeImage("docker", { bulk: 20 * 1024 * 1024 }));
    await push("library/oci:1", makeImage("oci"));
    await push("deep/er/list:all", makeMultiArch("docker", ["amd64", "arm64"]));
    await push("library/oci:index", makeMultiArch("oci", ["amd64", "arm64", "s390x"]));
    await push("library/docker:moving", makeImage("docker"));
    await push("library/docker:moving", makeImage("docker"));
    return images;
  };

  describe.each([
    { first: "docker-registry", second: ours },
    { first: ours, second: "docker-registry" },
  ] as const)("$first writes, $second goes on, $first takes it back", ({ first, second }) => {
    it(
      "serves and extends images, lists, indexes and tags without changing a stored byte",
      async () => {
        let images: Held = new Map();
        await during(first, async (_, held) => {
          images = await writeFirst(held);
          await expectAll(held, images);
        });
        const written = await hashTree(folder.path);
        await during(second, async (host, held) => {
          await expectAll(held, images);
          expect(await catalog(host)).toEqual(["deep/er/list", "library/docker", "library/oci"]);
        });
        expect(changedPaths(written, await hashTree(folder.path))).toEqual([]);

        await during(second, async (_, held) => {
          const shared = images.get("library/docker:1");
          const next = makeImage("oci", { bulk: 1024 * 1024 });
          const gone = makeImage("docker");
          if (shared === undefined) {
            throw new Error("the first registry wrote no image");
          }
          for (const [repository, tag, image] of [
            ["library/docker", "again", shared],
            ["library/docker", "moving", next],
            ["new/repository", "1", next],
            ["new/repository", "list", makeMultiArch("docker", ["amd64", "arm64"])],
            ["library/oci", "gone", gone],
          ] as const) {
            await held.push(repository, tag, image);
            images.set(`${repository}:${tag}`, image);
          }
          await held.deleteManifest("library/oci", gone.manifest.digest);
          images.delete("library/oci:gone");
          await expectAll(held, images);
        });
        await during(first, async (host, held) => {
          await expectAll(held, images);
          expect(await catalog(host)).toEqual(["deep/er/list", "library/docker", "library/oci", "new/repository"]);
        });
      },
      SLOW,
    );

    it(
      "finishes uploads that the other left behind",
      async () => {
        const uploads: Awaited<ReturnType<typeof leaveUpload>>[] = [];
        await during(first, async (host, held) => {
          await held.push("library/app", "1", makeImage("docker"));
          uploads.push(await leaveUpload(host, "library/app", [], 100_000));
          uploads.push(await leaveUpload(host, "library/app", [1_000_003], 500_000));
          uploads.push(await leaveUpload(host, "fresh/repository", [5_000_000, 1, 77_777], 1_000_000));
        });
        await during(second, async (host) => {
          for (const upload of uploads) {
            await finishUpload(host, upload);
          }
        });
        await during(first, async (host) => {
          for (const { repository, digest, bytes } of uploads) {
            const response = await fetch(`http://${host}/v2/${repository}/blobs/${digest}`);
            expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
          }
        });
      },
      SLOW,
    );
  });

  it(
    "survives the original's garbage collection after ours has written",
    async () => {
      let images: Held = new Map();
      await during(ours, async (_, held) => {
        images = await writeFirst(held);
      });
      const configuration = join(folder.path, "collect.yml");
      const storage = { filesystem: { rootdirectory: join(folder.path, "data") } };
      await writeFile(configuration, JSON.stringify({ version: 0.1, storage, http: { addr: "127.0.0.1:0" } }));
      const { stdout } = await run("docker-registry", ["garbage-collect", configuration]);
      expect(stdout).toContain("library/docker");
      await during("docker-registry", (_, held) => expectAll(held, images));
      await during(ours, (_, held) => expectAll(held, images));
    },
    SLOW,
  );

  it(
    "keeps what ours knows of referrers out of the original's way",
    async () => {
      const subject = makeImage("oci");
      const artifact = makeImage("oci", { subject: subject.manifest });
      await during(ours, async (_, held) => {
        await held.push("library/app", "1", subject);
        await held.push("library/app", "artifact", artifact);
      });
      await during("docker-registry", async (_, held) => {
        expect(await held.tags("library/app")).toEqual(["1", "artifact"]);
        await held.verify("library/app", "artifact");
      });
    },
    SLOW,
  );
});
