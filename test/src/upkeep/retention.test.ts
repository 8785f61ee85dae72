import { readFile, writeFile } from "node:fs/promises";
import { pushImage, pushManifest, manifestOf, OCI_MANIFEST, expectStatus } from "@longshore/testkit/fixtures";
import { createHttpClient, type HttpClient } from "@longshore/testkit/http-client";
import { describePeers } from "@longshore/testkit/peers";
import { startRegistryOfKind } from "@longshore/testkit/registry-of-kind";
import { startRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { describe, expect, it } from "vitest";
import { startReceiver } from "../notifications/receiver.js";
import { commandsOver } from "./support.js";

const PATIENCE = 120_000;

const RETENTION = {
  enabled: true,
  interval: "1s",
  rules: [
    { name: "production", tags: ["prod"], always: true },
    { name: "builds", tags: ["b-*", "1.*"], newest: 1, order: "version" },
  ],
  untagged: [{ name: "at once", age: "0s" }],
};

async function tagsOf(client: HttpClient): Promise<unknown> {
  return (await client.ask({ path: "/v2/team/app/tags/list" })).json();
}

async function configurationOf(folder: string, root: string, audit?: string): Promise<string> {
  const path = `${folder}/retention.yml`;
  const storage = { filesystem: { rootdirectory: root } };
  const log = audit === undefined ? {} : { log: { audit: { target: audit } } };
  await writeFile(path, JSON.stringify({ version: 0.1, storage, ...log, policy: { retention: RETENTION } }));
  return path;
}

describe("registry retention, beside a registry that serves", () => {
  it("says what it would do, and does it", { timeout: PATIENCE }, async () => {
    await using folder = await makeTemporaryFolder("retention");
    await using registry = await startRegistry();
    const { client, root } = registry;
    const audit = `${folder.path}/audit.log`;
    const command = commandsOver(await configurationOf(folder.path, root, audit));
    const old = await pushImage(client, "team/app", "1.9");
    for (const tag of ["1.10", "prod", "latest"]) await pushImage(client, "team/app", tag);
    const signature = `${old.manifest.digest.replace(":", "-")}.sig`;
    await pushImage(client, "team/app", signature);

    const dry = await command("retention", "--dry-run");
    expect(dry).toMatchObject({ code: 0 });
    expect(dry.stdout.split("\n")).toEqual([
      "keep\tteam/app:1.10\tbuilds\tit is among the newest 1",
      "remove\tteam/app:1.9\tbuilds\tno rule keeps it",
      "keep\tteam/app:latest\t-\tno rule is for it",
      "keep\tteam/app:prod\tproduction\tit is always kept",
      `remove\tteam/app:${signature}\tat once\tit goes with ${old.manifest.digest}`,
      "",
    ]);
    expect(dry.stderr).toContain("dry run: 2 tags would be removed, 3 kept in 1 repository");
    const json = await command("retention", "--dry-run", "--removed", "--json");
    expect(
      json.stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown),
    ).toMatchObject([
      { repository: "team/app", tag: "1.9", digest: old.manifest.digest, kept: false, rule: "builds" },
      { tag: signature },
    ]);
    expect(await tagsOf(client)).toMatchObject({ tags: ["1.10", "1.9", "latest", "prod", signature] });

    expect(await command("retention", "--removed")).toMatchObject({ code: 0 });
    expect(await tagsOf(client)).toEqual({ name: "team/app", tags: ["1.10", "latest", "prod"] });
    const lines = (await readFile(audit, "utf8")).trim().split("\n");
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { action: "delete", repository: "team/app", tag: "1.9", digest: old.manifest.digest, rules: ["builds"] },
      { action: "delete", tag: signature, agent: "registry-retention" },
    ]);

    expect(await command("garbage-collect", "--grace-period", "0s")).toMatchObject({ code: 0 });
    const collected = (await readFile(audit, "utf8")).trim().split("\n").slice(lines.length);
    expect(collected.map((line) => JSON.parse(line) as unknown)).toContainEqual({
      time: expect.any(String) as string,
      action: "delete",
      outcome: "allowed",
      repository: "team/app",
      digest: old.manifest.digest,
      agent: "registry-collection",
    });
  });
});

describe("retention on a schedule", () => {
  it.each([1, 2])("runs with %i workers, and is announced", { timeout: PATIENCE }, async (workers) => {
    await using folder = await makeTemporaryFolder("retention");
    await using receiver = await startReceiver();
    const audit = `${folder.path}/audit.log`;
    await using registry = await startRegistry({
      config: {
        http: { workers, debug: { addr: "127.0.0.1:0", prometheus: { enabled: true } } },
        log: { audit: { target: audit } },
        storage: { maintenance: { gc: { graceperiod: "1s" } } },
        policy: { retention: RETENTION },
        notifications: { endpoints: [{ name: "e", url: receiver.url, timeout: "5s" }] },
      },
    });
    const { client } = registry;
    const { manifest } = await pushImage(client, "team/app", "b-1");
    for (const tag of ["b-2", "other"]) await pushImage(client, "team/app", tag);
    await expect.poll(() => tagsOf(client), { timeout: 20_000 }).toEqual({ name: "team/app", tags: ["b-2", "other"] });
    const told = (): string => receiver.deliveries.map(({ body }) => JSON.stringify(JSON.parse(body))).join("\n");
    await expect.poll(told, { timeout: 20_000 }).toMatch(/"action":"delete".*"repository":"team\/app","tag":"b-1"/);
    await expect
      .poll(() => readFile(audit, "utf8"), { timeout: 20_000 })
      .toMatch(/"action":"delete","outcome":"allowed","repository":"team\/app","tag":"b-1"/);
    const run = expectStatus(
      await client.ask({ method: "POST", path: "/v2/_longshore/maintenance/runs?job=retention&dryrun=true" }),
      202,
    );
    expect(run.json()).toMatchObject({ job: "retention" });

    // The manifest that has no tag any more goes with a collection, and is announced as a delete by a client is.
    const gone = async (): Promise<boolean> => {
      await client.ask({ method: "POST", path: "/v2/_longshore/maintenance/runs?job=collection" });
      return (await client.ask({ path: `/v2/team/app/manifests/${manifest.digest}` })).status === 404;
    };
    await expect.poll(gone, { timeout: 20_000, interval: 500 }).toBe(true);
    await expect
      .poll(told, { timeout: 20_000 })
      .toContain(
        `"action":"delete","target":{"mediaType":"","digest":"${manifest.digest}","size":0,"repository":"team/app"}`,
      );
    await expect
      .poll(() => readFile(audit, "utf8"), { timeout: 20_000 })
      .toMatch(new RegExp(`"repository":"team/app","digest":"${manifest.digest}","agent":"registry-collection"`));
  });
});

describePeers("a volume that retention went over", ["docker-registry"], () => {
  it("is served by Distribution after a collection", { timeout: PATIENCE }, async () => {
    await using folder = await makeTemporaryFolder("retention");
    const root = `${folder.path}/data`;
    const manifests: string[] = [];
    const referrers: string[] = [];
    {
      await using registry = await startRegistry({ root });
      for (const tag of ["b-1", "b-2"]) {
        const image = await pushImage(registry.client, "team/app", tag);
        const { digest } = image.manifest;
        const subject = { mediaType: OCI_MANIFEST, digest, size: image.manifest.bytes.byteLength };
        const referrer = manifestOf({
          ...(JSON.parse(Buffer.from(image.manifest.bytes).toString()) as object),
          subject,
        });
        expectStatus(await pushManifest(registry.client, "team/app", referrer, OCI_MANIFEST), 201);
        manifests.push(digest);
        referrers.push(referrer.digest);
      }
      const command = commandsOver(await configurationOf(folder.path, root));
      expect(await command("retention")).toMatchObject({ code: 0 });
      expect(await command("garbage-collect", "--grace-period", "0s")).toMatchObject({ code: 0 });
    }
    await using original = await startRegistryOfKind({ kind: "docker-registry", root });
    const client = createHttpClient(`http://${original.host}`);
    const statusOf = async (reference = ""): Promise<number> =>
      (await client.ask({ path: `/v2/team/app/manifests/${reference}`, headers: { accept: OCI_MANIFEST } })).status;
    try {
      expect(await tagsOf(client)).toEqual({ name: "team/app", tags: ["b-2"] });
      expect([await statusOf(manifests[0]), await statusOf(referrers[0])]).toEqual([404, 404]);
      expect([await statusOf("b-2"), await statusOf(referrers[1])]).toEqual([200, 200]);
    } finally {
      client.close();
    }
  });
});
