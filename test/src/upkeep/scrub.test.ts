import { createDriver } from "@longshore/storage";
import { s3Parameters, startStandIn } from "@longshore/testkit/s3/server";
import { contentOf, digestOf, pushBlob, pushImage } from "@longshore/testkit/fixtures";
import { startRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { writeFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { commandsOver, configurationOf } from "./support.js";

it(
  "registry scrub finds a damaged blob, moves it aside, and its next push is taken",
  { timeout: 120_000 },
  async () => {
    await using folder = await makeTemporaryFolder("scrub");
    await using registry = await startRegistry();
    const { client, root } = registry;
    const command = commandsOver(await configurationOf(folder.path, root));
    const { layers } = await pushImage(client, "team/app", "v1");
    const clean = await command("scrub", "--rate", "100MB");
    expect(clean).toMatchObject({ code: 0 });
    expect(clean.stdout).toContain("4 blobs");

    const [layer] = layers;
    const digest = layer?.digest ?? digestOf("");
    const hex = digest.slice("sha256:".length);
    const head = async () => (await client.ask({ method: "HEAD", path: `/v2/team/app/blobs/${digest}` })).status;
    await writeFile(`${root}/docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`, "rotten");
    const found = await command("scrub", "--json");
    expect(found.code).toBe(1);
    expect(JSON.parse(found.stdout)).toMatchObject({ damaged: 1, findings: [{ kind: "blob-damaged", digest }] });
    expect(await head()).toBe(200);

    const aside = await command("scrub", "--quarantine", "--quiet");
    expect(aside).toMatchObject({ code: 1, stderr: "" });
    expect(aside.stdout).toContain(`quarantined: blob ${digest}`);
    expect(await head()).toBe(404);
    if (layer !== undefined) await pushBlob(client, "team/app", layer);
    expect(await head()).toBe(200);
    expect(await command("scrub")).toMatchObject({ code: 0 });
    expect((await command("scrub", "--rate", "fast")).stderr).toContain("--rate");
  },
);

it(
  "registry scrub moves a damaged blob aside over S3, beside a registry that remembers it",
  { timeout: 120_000 },
  async () => {
    await using folder = await makeTemporaryFolder("scrub");
    await using storage = await startStandIn();
    const s3 = s3Parameters(storage, await storage.newBucket());
    const section = { s3, redirect: { disable: true }, cache: { blobdescriptor: "inmemory" } };
    // Otherwise what was pushed or asked for a short while ago counts as present.
    const maintenance = { gc: { graceperiod: "1ms" } };
    await using registry = await startRegistry({
      config: { storage: { filesystem: undefined, ...section, maintenance } },
    });
    const { client } = registry;
    const path = `${folder.path}/upkeep.yml`;
    await writeFile(path, JSON.stringify({ version: 0.1, storage: section }));
    const command = commandsOver(path);
    const [layer = contentOf("")] = (await pushImage(client, "team/app", "v1")).layers;
    const { digest } = layer;
    const head = async () => (await client.ask({ method: "HEAD", path: `/v2/team/app/blobs/${digest}` })).status;
    expect(await head()).toBe(200);
    const hex = digest.slice("sha256:".length);
    const driver = await createDriver("s3", s3);
    await driver.write(`/docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`, Buffer.from("rotten"));
    await driver.close();
    expect((await command("scrub", "--quarantine")).stdout).toContain(`quarantined: blob ${digest}`);
    expect(await head()).toBe(404);
    const pulled = await client.ask({ path: `/v2/team/app/blobs/${digest}` });
    expect([pulled.status, pulled.code()]).toEqual([404, "BLOB_UNKNOWN"]);
    await pushBlob(client, "team/app", layer);
    expect((await client.ask({ path: `/v2/team/app/blobs/${digest}` })).body).toEqual(layer.bytes);
    expect(await command("scrub")).toMatchObject({ code: 0 });
  },
);

it("a registry scrubs on its schedule, and logs what is damaged", { timeout: 120_000 }, async () => {
  const scrub = { enabled: true, interval: "1s" };
  await using registry = await startRegistry({ config: { storage: { maintenance: { scrub } } } });
  const { layers } = await pushImage(registry.client, "team/app", "v1");
  const hex = layers[0]?.digest.slice("sha256:".length) ?? "";
  await writeFile(`${registry.root}/docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`, "rotten");
  await expect.poll(() => registry.logs(), { timeout: 60_000 }).toMatch(/has other bytes[\s\S]*scrub finished/);
});
