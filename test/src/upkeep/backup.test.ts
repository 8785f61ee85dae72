import { OCI_MANIFEST, pushImage } from "@longshore/testkit/fixtures";
import { PROGRAM } from "@longshore/testkit/project";
import { attempt, run } from "@longshore/testkit/processes";
import { lstat, mkdir, readFile, readdir, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { createHttpClient } from "@longshore/testkit/http-client";
import { describePeers } from "@longshore/testkit/peers";
import { startRegistryOfKind } from "@longshore/testkit/registry-of-kind";
import { startRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { expect, it } from "vitest";
import { commandsOver, configurationOf } from "./support.js";

describePeers("registry backup, of a registry that serves", ["docker-registry"], () => {
  it("is served by Distribution as it is, and restored elsewhere", { timeout: 240_000 }, async () => {
    await using folder = await makeTemporaryFolder("backup");
    const copy = `${folder.path}/copy`;
    const restored = `${folder.path}/restored`;
    {
      await using registry = await startRegistry();
      const command = commandsOver(await configurationOf(folder.path, registry.root));
      await pushImage(registry.client, "team/app", "v1");
      expect(await command("backup", copy)).toMatchObject({ code: 0 });
      await pushImage(registry.client, "team/app", "v2");
      const second = await command("backup", copy);
      expect(second).toMatchObject({ code: 0 });
      expect(second.stdout).toContain("1 tag, 1 manifest and 3 blobs");
      expect((await command("backup", registry.root)).stderr).toContain("this registry itself");
      const empty = commandsOver(await configurationOf(folder.path, `${folder.path}/unmounted`, "unmounted.yml"));
      const refused = await empty("backup", copy, "--mirror");
      expect(refused).toMatchObject({ code: 1 });
      expect(refused.stderr).toContain("its volume is mounted");
      expect(await command("backup", copy, "--mirror")).toMatchObject({ code: 0 });

      // What is damaged here stays there.
      const { digest } = (await pushImage(registry.client, "team/app", "rotten")).manifest;
      expect(await command("backup", copy)).toMatchObject({ code: 0 });
      const [hex = ""] = digest.split(":").slice(1);
      await truncate(`${registry.root}/docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`, 10);
      const mirrored = await command("backup", copy, "--mirror");
      expect(mirrored).toMatchObject({ code: 1 });
      expect(mirrored.stdout).toContain("0 removed, 1 problem");
      expect(mirrored.stderr).toContain(`not copied: team/app ${digest}`);
    }
    const target = commandsOver(await configurationOf(folder.path, restored));
    expect((await target("restore", `${folder.path}/nowhere`)).code).toBe(1);
    expect(await target("restore", copy)).toMatchObject({ code: 0 });
    expect((await target("restore", copy)).stderr).toContain("--merge");
    expect(await target("restore", copy, "--merge")).toMatchObject({ code: 0 });
    for (const root of [copy, restored]) {
      await using original = await startRegistryOfKind({ kind: "docker-registry", root });
      const client = createHttpClient(`http://${original.host}`);
      try {
        expect((await client.ask({ path: "/v2/_catalog" })).text()).toContain('["team/app"]');
        for (const tag of ["v1", "v2"]) {
          const path = `/v2/team/app/manifests/${tag}`;
          const manifest = await client.ask({ path, headers: { accept: OCI_MANIFEST } });
          expect(manifest.status).toBe(200);
          for (const digest of new Set(manifest.text().match(/sha256:[0-9a-f]{64}/g))) {
            expect((await client.ask({ path: `/v2/team/app/blobs/${digest}` })).status).toBe(200);
          }
        }
      } finally {
        client.close();
      }
    }
  });
});

describePeers("registry backup, to a tar", ["docker-registry"], () => {
  it("is unpacked by tar, served by Distribution, and restored", { timeout: 240_000 }, async () => {
    await using folder = await makeTemporaryFolder("backup");
    const archive = `${folder.path}/backup.tar`;
    const unpacked = `${folder.path}/unpacked`;
    const restored = `${folder.path}/restored`;
    {
      await using registry = await startRegistry();
      const own = await configurationOf(folder.path, registry.root);
      const command = commandsOver(own);
      const { layers } = await pushImage(registry.client, "team/app", "v1");
      await pushImage(registry.client, "team/app", "v2");
      const first = await command("backup", archive);
      expect(first.stdout).toContain("2 tags, 2 manifests and 6 blobs");
      // It has what not everybody may pull.
      expect((await stat(archive)).mode & 0o777).toBe(0o600);
      expect((await command("backup", archive)).stderr).toContain("exists");
      const [linked, victim] = [`${folder.path}/linked.tar`, `${folder.path}/victim`];
      await writeFile(victim, "precious");
      await symlink(victim, `${linked}.partial`);
      expect((await command("backup", linked)).stderr).toContain("linked.tar.partial exists: another backup");
      expect(await readFile(victim, "utf8")).toBe("precious");
      expect((await lstat(`${linked}.partial`)).isSymbolicLink()).toBe(true);
      expect((await command("backup", `${folder.path}/a.tar.gz`)).stderr).toContain("compressed");
      const shell = await attempt("sh", ["-c", `"$0" "$1" backup "$2" - | tar tf -`, process.execPath, PROGRAM, own]);
      expect(shell.stdout).toBe((await run("tar", ["tf", archive])).stdout);

      // What is damaged doesn't reach a tar, and neither does what needs it.
      const [hex = ""] = (layers[0]?.digest ?? "").split(":").slice(1);
      const data = `docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`;
      await writeFile(`${registry.root}/${data}`, Buffer.alloc(100, "x"));
      const second = await command("backup", `${folder.path}/second.tar`);
      expect(second).toMatchObject({ code: 1 });
      expect(second.stderr).toContain("not copied: team/app v1");
      const names = (await run("tar", ["tf", `${folder.path}/second.tar`])).stdout;
      expect(names).not.toContain(hex);
      expect(names).not.toContain("tags/v1");
    }
    await mkdir(unpacked);
    await run("tar", ["xf", archive, "-C", unpacked]);
    const target = commandsOver(await configurationOf(folder.path, restored, "restored.yml"));
    const bytes = await readFile(archive);
    await writeFile(`${folder.path}/cut.tar`, bytes.subarray(0, bytes.length - 1024));
    expect((await target("restore", `${folder.path}/cut.tar`)).stderr).toContain("truncated");
    await truncate(`${folder.path}/cut.tar`, 5000);
    expect((await target("restore", `${folder.path}/cut.tar`)).code).toBe(1);
    const environment = { TMPDIR: folder.path };
    const args = [PROGRAM, "restore", `${folder.path}/restored.yml`, "-"];
    const restoring = await attempt(process.execPath, args, { input: bytes, env: environment });
    expect(restoring).toMatchObject({ code: 0 });
    expect(restoring.stdout).toContain("2 tags, 2 manifests");
    expect((await readdir(folder.path)).filter((name) => name.startsWith("registry-restore"))).toEqual([]);
    for (const root of [unpacked, restored]) {
      await using original = await startRegistryOfKind({ kind: "docker-registry", root });
      const client = createHttpClient(`http://${original.host}`);
      try {
        for (const tag of ["v1", "v2"]) {
          const path = `/v2/team/app/manifests/${tag}`;
          const manifest = await client.ask({ path, headers: { accept: OCI_MANIFEST } });
          expect(manifest.status).toBe(200);
          for (const digest of new Set(manifest.text().match(/sha256:[0-9a-f]{64}/g))) {
            expect((await client.ask({ path: `/v2/team/app/blobs/${digest}` })).status).toBe(200);
          }
        }
      } finally {
        client.close();
      }
    }
  });
});
