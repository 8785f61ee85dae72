import { pushImage } from "@longshore/testkit/fixtures";
import { freePort } from "@longshore/testkit/loopback";
import { startRegistry } from "@longshore/testkit/start-registry";
import { expect, it } from "vitest";

it("counts for metrics what the registry contains, again and again", async () => {
  const addr = `127.0.0.1:${await freePort()}`;
  const http = { debug: { addr, prometheus: { enabled: true } } };
  await using registry = await startRegistry({ config: { http, inventory: { metricsinterval: "100ms" } } });
  const totals = async (): Promise<readonly string[]> => {
    const text = await (await fetch(`http://${addr}/metrics`)).text();
    return text.split("\n").filter((line) => /^registry_(repositories|tags|manifests|blobs|stored_bytes) /.test(line));
  };
  await expect.poll(totals).toContain("registry_tags 0");
  const image = await pushImage(registry.client, "team/app", "v1");
  await pushImage(registry.client, "team/other", "v1");
  await registry.client.ask({ method: "DELETE", path: "/v2/team/other/_longshore/repository/contents" });
  const contents = [image.manifest, image.config, ...image.layers];
  const bytes = contents.reduce((sum, each) => sum + each.bytes.length, 0);
  await expect
    .poll(totals, { timeout: 10_000 })
    .toEqual([
      "registry_repositories 1",
      "registry_tags 1",
      "registry_manifests 1",
      "registry_blobs 3",
      `registry_stored_bytes ${bytes}`,
    ]);
});
