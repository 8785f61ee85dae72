import { OCI_MANIFEST, pushImage } from "@longshore/testkit/fixtures";
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
      expect(second.stdout).toContain("1 tags, 1 manifests and 3 blobs");
      expect((await command("backup", registry.root)).stderr).toContain("this registry itself");
      expect((await command("backup", "-")).stderr).toContain("tar");
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
