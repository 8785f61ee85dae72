import { execFile } from "node:child_process";
import { describe, expect, it } from "vitest";
import { digestOf, OCI_MANIFEST, pushBlob, randomContent } from "@longshore/testkit/fixtures";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { startRegistry } from "@longshore/testkit/start-registry";
import { PROGRAM } from "@longshore/testkit/project";

describe("a path that the file system doesn't take", () => {
  it("is answered with 400, and shorter ones still work", async () => {
    await using folder = await makeTemporaryFolder("long");
    let root = folder.path;
    // PATH_MAX is 4096: a short name still fits, one of 255 doesn't.
    while (root.length < 3700) root += `/${"x".repeat(Math.min(200, 3700 - root.length))}`;
    await using registry = await startRegistry({ root });
    const { client } = registry;
    const config = randomContent(100);
    await pushBlob(client, "z", config);
    const body = JSON.stringify({
      schemaVersion: 2,
      config: { mediaType: "a/b", digest: config.digest, size: 100 },
      layers: [],
    });
    const headers = { "content-type": OCI_MANIFEST };
    const long = "z".repeat(255);
    const tag = "t".repeat(128);
    expect((await client.ask({ method: "PUT", path: `/v2/z/manifests/${tag}`, headers, body })).status).toBe(201);
    const asks = [
      { method: "PUT", path: `/v2/${long}/manifests/${tag}`, headers, body },
      { method: "GET", path: `/v2/${long}/manifests/${tag}` },
      { method: "DELETE", path: `/v2/${long}/manifests/${tag}` },
      { method: "POST", path: `/v2/${long}/blobs/uploads/?digest=${config.digest}`, body: config.bytes },
      { method: "GET", path: `/v2/${long}/blobs/${digestOf("nobody has this")}` },
      { method: "GET", path: `/v2/${long}/tags/list` },
      { method: "GET", path: `/v2/${long}/referrers/${config.digest}` },
    ];
    for (const ask of asks) {
      const { status } = await client.ask(ask);
      expect(status, `${ask.method} ${ask.path}`).toBeLessThan(500);
    }
    const refused = await client.ask({ path: `/v2/${long}/manifests/${tag}` });
    expect([refused.status, refused.code()]).toEqual([400, "NAME_INVALID"]);
    expect(refused.detail()).toContain("use a shorter repository or tag, or a shorter rootdirectory");
    expect((await client.ask({ path: `/v2/z/manifests/${tag}` })).status).toBe(200);
    expect(registry.logs()).not.toMatch(/level=error/);
  });
});

describe("few open files", () => {
  it.each([40, 64, 96])("%d: the start says how many are needed", async (limit) => {
    const script = 'ulimit -n "$0" && exec "$@"';
    const output = await new Promise<string>((resolve) => {
      execFile("sh", ["-c", script, String(limit), process.execPath, PROGRAM, "--version"], (error, _out, text) =>
        resolve(`${String(error?.code)} ${text}`),
      );
    });
    expect(output).toMatch(/^1 registry: too few open files are allowed; allow at least 1024.*ulimit -n/);
    expect(output.trimEnd()).not.toContain("\n");
  });
});
