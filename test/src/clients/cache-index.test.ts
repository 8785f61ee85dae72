import { expect, it } from "vitest";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describePeers } from "@longshore/testkit/peers";
import {
  describeContent,
  DOCKER_LIST,
  expectStatus,
  manifestOf,
  OCI_INDEX,
  pushBlob,
  pushManifest,
  randomContent,
  type Content,
} from "@longshore/testkit/fixtures";
import { createHttpClient, type HttpClient } from "@longshore/testkit/http-client";
import { run } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { PROGRAM } from "@longshore/testkit/project";
import { startRegistryOfKind, type RegistryKind } from "@longshore/testkit/registry-of-kind";
import { SLOW } from "./site.js";

/** What BuildKit's `--cache-to type=registry,image-manifest=false` pushes: an index of layers and of their description. */
interface CacheExport {
  readonly mediaType: string;
  readonly blobs: readonly Content[];
  readonly index: Content;
}

function makeCacheExport(mediaType: string, layerType: string): CacheExport {
  const layers = [randomContent(5000), randomContent(300)];
  const description = randomContent(200);
  const manifests = [
    ...layers.map((layer) => ({
      ...describeContent(layer, layerType),
      annotations: { "buildkit/createdat": "2025-01-01T00:00:00Z" },
    })),
    describeContent(description, "application/vnd.buildkit.cacheconfig.v0"),
  ];
  return {
    mediaType,
    blobs: [...layers, description],
    index: manifestOf({ schemaVersion: 2, mediaType, manifests }),
  };
}

const exports = (): readonly CacheExport[] => [
  makeCacheExport(OCI_INDEX, "application/vnd.oci.image.layer.v1.tar+gzip"),
  makeCacheExport(DOCKER_LIST, "application/vnd.docker.image.rootfs.diff.tar.gzip"),
];

const NAME = "build/cache";

describePeers("BuildKit's cache as an index", ["docker-registry"], () => {
  const push = async (client: HttpClient, { blobs, index, mediaType }: CacheExport): Promise<void> => {
    for (const blob of blobs) await pushBlob(client, NAME, blob);
    expectStatus(await pushManifest(client, NAME, index, mediaType, tagOf(mediaType)), 201);
  };
  const tagOf = (mediaType: string): string => (mediaType === OCI_INDEX ? "oci" : "docker");

  const expectServed = async (client: HttpClient, { blobs, index, mediaType }: CacheExport): Promise<void> => {
    const path = `/v2/${NAME}/manifests/${tagOf(mediaType)}`;
    const answer = await client.ask({ path, headers: { accept: mediaType } });
    expect([answer.status, answer.body.equals(index.bytes)]).toEqual([200, true]);
    for (const { bytes, digest } of blobs) {
      expect((await client.ask({ path: `/v2/${NAME}/blobs/${digest}` })).body.equals(bytes)).toBe(true);
    }
  };

  const collect = async (root: string): Promise<void> => {
    const config = `${root}.yml`;
    await writeFile(config, JSON.stringify({ version: 0.1, storage: { filesystem: { rootdirectory: root } } }));
    const program = PROGRAM;
    await run(process.execPath, [program, "garbage-collect", "-m", "--grace-period", "0s", config]);
    await run("docker-registry", ["garbage-collect", config]);
  };

  it.each<[RegistryKind, RegistryKind]>([
    ["longshore", "docker-registry"],
    ["docker-registry", "longshore"],
  ])(
    "is taken by %s, served by %s, and survives a collection of either",
    async (first, second) => {
      await using folder = await makeTemporaryFolder("cache-index");
      const root = join(folder.path, "data");
      const during = async (kind: RegistryKind, work: (client: HttpClient) => Promise<void>): Promise<void> => {
        await using registry = await startRegistryOfKind({ kind, root });
        const client = createHttpClient(`http://${registry.host}`);
        await work(client).finally(() => client.close());
      };
      const pushed = exports();
      const more = exports();
      await during(first, async (client) => {
        for (const each of pushed) await push(client, each);
      });
      await collect(root);
      await during(second, async (client) => {
        for (const each of pushed) await expectServed(client, each);
        for (const each of more) await push(client, each);
      });
      await collect(root);
      await during(first, async (client) => {
        for (const each of more) await expectServed(client, each);
      });
    },
    SLOW,
  );
});
