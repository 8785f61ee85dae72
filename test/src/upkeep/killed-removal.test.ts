import { createDriver, type StorageDriver } from "@longshore/storage";
import { OCI_MANIFEST, expectStatus, makeImage, manifestOf, pushBlob, pushManifest } from "@longshore/testkit/fixtures";
import { createHttpClient, type HttpClient } from "@longshore/testkit/http-client";
import { PROGRAM } from "@longshore/testkit/project";
import { runLength } from "@longshore/testkit/run-length";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tagsOf } from "./pushers.js";
import { brokenIn, openSite, STORAGE_KINDS, type Site } from "./sites.js";

const PATIENCE = 300_000;
const MANIFESTS = 200;
const ROOT = "/docker/registry/v2";
/** Over object storage each of them takes some thousand requests. */
const kinds = STORAGE_KINDS.slice(0, runLength({ short: 1, long: STORAGE_KINDS.length, variable: "UPHEAVAL_KINDS" }));

/** Pushes manifests that share their blobs; each second one has a tag. Returns the digests of everything. */
async function fill(client: HttpClient, name: string): Promise<readonly string[]> {
  const { config, layers, manifest } = makeImage();
  for (const blob of [config, ...layers]) await pushBlob(client, name, blob);
  const image: unknown = JSON.parse(manifest.bytes.toString());
  const manifests = Array.from({ length: MANIFESTS }, (_, index) =>
    manifestOf({ ...(image as object), annotations: { of: name, index: String(index) } }),
  );
  const indexes = manifests.keys();
  const push = async (): Promise<void> => {
    for (const index of indexes) {
      const content = manifests[index] ?? manifest;
      const reference = index % 2 === 0 ? `t${index}` : content.digest;
      expectStatus(await pushManifest(client, name, content, OCI_MANIFEST, reference), 201);
    }
  };
  await Promise.all(Array.from({ length: 8 }, push));
  return [config, ...layers, ...manifests].map(({ digest }) => digest);
}

/** How many manifests the storage has of the repository. */
async function manifestsIn(driver: StorageDriver, name: string): Promise<number> {
  return (await driver.list(`${ROOT}/repositories/${name}/_manifests/revisions/sha256`)).names.length;
}

async function hasBytes(driver: StorageDriver, digest: string): Promise<boolean> {
  const hex = digest.slice("sha256:".length);
  return driver.stat(`${ROOT}/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`, { fileOnly: true }).then(
    () => true,
    () => false,
  );
}

describe.each(kinds)("a removal that is killed in its middle, over %s", (_kind, open) => {
  let site: Site;
  let driver: StorageDriver;
  beforeAll(async () => {
    site = await openSite(open);
    const [[type, parameters] = ["", {}]] = Object.entries(site.storage);
    driver = await createDriver(type, parameters);
  }, PATIENCE);
  afterAll(async () => {
    await driver.close();
    await site[Symbol.asyncDispose]();
  }, PATIENCE);

  /** Begins a removal with `begin`, which returns how to kill it, and kills it once the first manifests are gone. */
  async function killAmid(name: string, begin: () => () => Promise<void>): Promise<void> {
    const kill = begin();
    await expect.poll(() => manifestsIn(driver, name), { interval: 1, timeout: 60_000 }).toBeLessThan(MANIFESTS);
    await kill();
    expect(await manifestsIn(driver, name)).toBeGreaterThan(0);
    expect(await brokenIn(site.urls, name)).toEqual([]);
  }

  async function expectGone(name: string, digests: readonly string[]): Promise<void> {
    for (const url of site.urls) {
      const client = createHttpClient(url);
      expect(await tagsOf(client, name)).toEqual([]);
      const { repositories } = (await client.ask({ path: "/v2/_catalog" })).json() as { repositories: string[] };
      expect(repositories).not.toContain(name);
      const asked = digests.map((digest) => client.ask({ path: `/v2/${name}/manifests/${digest}` }));
      expect(new Set((await Promise.all(asked)).map(({ status }) => status))).toEqual(new Set([404]));
      client.close();
    }
    expect(await site.commands.run("garbage-collect", "--grace-period", "0s")).toMatchObject({ code: 0 });
    const left = await Promise.all(digests.map((digest) => hasBytes(driver, digest)));
    expect(left.filter((isThere) => isThere)).toEqual([]);
  }

  it("is ended by the next command, and its bytes go with a collection", { timeout: PATIENCE }, async () => {
    const name = "team/command";
    const client = createHttpClient(site.urls[0] ?? "");
    const digests = await fill(client, name);
    await killAmid(name, () => {
      const child = spawn(
        process.execPath,
        [PROGRAM, "repository", "delete", `${site.folder}/site.yml`, name, "--yes"],
        { stdio: "ignore" },
      );
      const exited = once(child, "exit");
      return async () => {
        child.kill("SIGKILL");
        expect(await exited).toEqual([null, "SIGKILL"]);
      };
    });
    expect(await site.commands.run("repository delete", name, "--yes")).toMatchObject({ code: 0 });
    await expectGone(name, digests);
    client.close();
  });

  it("is ended by the next request, after the registry was killed that did it", { timeout: PATIENCE }, async () => {
    const name = "team/request";
    const path = `/v2/${name}/_longshore/repository/contents`;
    const client = createHttpClient(site.urls[0] ?? "");
    const digests = await fill(client, name);
    await killAmid(name, () => {
      const asked = client.ask({ method: "DELETE", path }).then(
        () => "answered",
        () => "not answered",
      );
      return async () => {
        await site.servers[0].kill();
        expect(await asked).toBe("not answered");
      };
    });
    const other = createHttpClient(site.urls[1] ?? "");
    expectStatus(await other.ask({ method: "DELETE", path }), 200);
    await expectGone(name, digests);
    for (const each of [client, other]) each.close();
  });
});
