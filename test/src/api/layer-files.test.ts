import { randomBytes } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import {
  contentOf,
  describeContent,
  manifestOf,
  OCI_MANIFEST,
  pushBlob,
  pushManifest,
} from "@longshore/testkit/fixtures";
import { createHttpClient } from "@longshore/testkit/http-client";
import { findProgram } from "@longshore/testkit/peer-list";
import { describePeers } from "@longshore/testkit/peers";
import { run } from "@longshore/testkit/processes";
import { startRegistry, type RunningRegistry } from "@longshore/testkit/start-registry";
import { STARGZ_DIGEST, stargzLayer } from "@longshore/testkit/stargz";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { basic, passwordLine } from "../auth/support.js";
import { tar } from "../clients/tar.js";

const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";
const EMPTY = contentOf("{}");
const data = { name: "data", content: randomBytes(100_000) };
const TABLE = JSON.stringify({ version: 1, entries: [{ name: "claimed", type: "reg", size: 7, mode: 0o644 }] });
const { bytes, tableDigest } = stargzLayer(tar([data]).subarray(0, -1024), TABLE);
const layer = contentOf(bytes);

/** The manifest of an image of the layer, whose annotations name `table`. */
const imageWith = (table: string) =>
  manifestOf({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: describeContent(EMPTY, "application/vnd.oci.empty.v1+json"),
    layers: [{ ...describeContent(layer, LAYER), annotations: { [STARGZ_DIGEST]: table } }],
  });
const [honest, forged] = [imageWith(tableDigest), imageWith(`sha256:${"0".repeat(64)}`)];

describe("the files of a layer with a table of its own", () => {
  let registry: RunningRegistry;
  const closed: AsyncDisposable[] = [];
  beforeAll(async () => {
    const folder = await makeTemporaryFolder("layer-files");
    const path = `${folder.path}/htpasswd`;
    await writeFile(path, passwordLine("ann", "ann's") + passwordLine("admin", "admin's"));
    registry = await startRegistry({
      config: {
        auth: { htpasswd: { realm: "test", path } },
        access: [
          { name: "admin", type: "registry", action: ["*"] },
          { name: "admin", type: "repository", repository: "*", action: ["*"] },
          { name: "ann", type: "repository", repository: "team/*", action: ["pull"] },
        ],
      },
    });
    closed.push(registry, folder);
    const client = createHttpClient(registry.url, { headers: { authorization: basic("admin", "admin's") } });
    for (const blob of [EMPTY, layer]) await pushBlob(client, "secret/app", blob);
    await pushBlob(client, "team/app", EMPTY);
    for (const manifest of [honest, forged]) await pushManifest(client, "secret/app", manifest, OCI_MANIFEST);
    client.close();
  });
  afterAll(async () => {
    for (const each of closed) await each[Symbol.asyncDispose]();
  });

  const list = async (account: string, name: string, query = "") => {
    const path = `/v2/${name}/_longshore/repository/files/${layer.digest}${query}`;
    return registry.client.ask({ path, headers: { authorization: basic(account, `${account}'s`) } });
  };
  const listed = async (query: string): Promise<unknown> => (await list("admin", "secret/app", query)).json();
  const paths = async (query: string): Promise<readonly string[]> => {
    const { files } = (await listed(query)) as { readonly files: readonly { readonly path: string }[] };
    return files.map(({ path }) => path);
  };
  const kept = (source: string) =>
    join(
      registry.root,
      "docker/registry/v2/longshore/inventory/v1/layer-lists",
      `${layer.digest.replace(":", "-")}-${source}`,
    );

  it("are what it says, unless annotations name another one or the layer itself is asked for", async () => {
    const claimed = [{ path: "claimed", type: "file", size: 7, mode: "0644" }];
    expect(await listed("")).toMatchObject({ table: "estargz", compression: "gzip", files: claimed });
    expect(await listed(`?manifest=${honest.digest}`)).toMatchObject({ table: "estargz", files: claimed });
    for (const query of [`?manifest=${forged.digest}`, "?table=false"]) {
      const found = await listed(query);
      expect(found).toMatchObject({ files: [{ path: "data", size: 100_000 }, { path: "stargz.index.json" }] });
      expect(found).not.toHaveProperty("table");
    }
    const other = await list("admin", "secret/app", `?manifest=sha256:${"1".repeat(64)}`);
    expect([other.status, other.code()]).toEqual([404, "MANIFEST_UNKNOWN"]);
  });

  it("are kept for the next viewer, and for nobody else", async () => {
    for (const [query, source, name] of [
      ["", "table", "claimed"],
      ["?table=false", "tar", "data"],
    ] as const) {
      await listed(query);
      const path = kept(source);
      const json = gunzipSync(await readFile(path)).toString();
      await writeFile(path, gzipSync(json.replace(`{"path":"${name}"`, '{"path":"kept"')));
      expect(await paths(query)).toContain("kept");
      // One that can't be read is made again.
      await writeFile(path, "damaged");
      expect(await paths(query)).toContain(name);
      expect(gunzipSync(await readFile(path)).toString()).toBe(json);
      const refused = await list("ann", "secret/app", query);
      expect([refused.status, refused.code()]).toEqual([403, "DENIED"]);
      const elsewhere = await list("ann", "team/app", query);
      expect([elsewhere.status, elsewhere.code()]).toEqual([404, "BLOB_UNKNOWN"]);
    }
    expect(await readdir(join(kept(""), ".."))).toHaveLength(2);
  });
});

describePeers("the files of a layer that buildah has pushed as zstd:chunked", ["buildah", "node26"], () => {
  it("are those of its table, on a Node that has zstd", async () => {
    await using folder = await makeTemporaryFolder("chunked");
    await using registry = await startRegistry({ node: findProgram("node-26") ?? "" });
    const storage = [`--root=${folder.path}/storage`, `--runroot=${folder.path}/run`, "--storage-driver=vfs"];
    const env = { BUILDAH_ISOLATION: "chroot" };
    const buildah = async (...args: string[]) => (await run("buildah", [...storage, ...args], { env })).stdout.trim();
    await writeFile(join(folder.path, "data"), data.content);
    const container = await buildah("from", "scratch");
    await buildah("copy", container, join(folder.path, "data"), "/app/data");
    await buildah("commit", "--rm", container, "built");
    const target = `docker://${new URL(registry.url).host}/team/built:1`;
    await buildah("push", "--tls-verify=false", "--compression-format=zstd:chunked", "localhost/built", target);

    const { client } = registry;
    const image = (await client.ask({ path: "/v2/team/built/_longshore/repository/images/1" })).json();
    const { digest, layers } = image as { readonly digest: string; readonly layers: readonly { digest: string }[] };
    const path = `/v2/team/built/_longshore/repository/files/${layers[0]?.digest ?? ""}`;
    const files = [
      { path: "app", type: "directory" },
      { path: "app/data", type: "file", size: 100_000, mode: "0644" },
    ];
    const byTable = (await client.ask({ path: `${path}?manifest=${digest}` })).json();
    expect(byTable).toMatchObject({ compression: "zstd", table: "zstd:chunked", files });
    const itself = (await client.ask({ path: `${path}?table=false` })).json();
    expect(itself).toMatchObject({ compression: "zstd", files });
    expect(itself).not.toHaveProperty("table");
  });
});
