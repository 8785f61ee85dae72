import { utimes, stat } from "node:fs/promises";
import { contentOf, pushBlob } from "@longshore/testkit/fixtures";
import { startRegistry } from "@longshore/testkit/start-registry";
import { expect, it } from "vitest";

/** Older than any grace period of these tests. */
const LONG_AGO = new Date("2026-01-01");

it("a blob that clients ask for is marked often enough for a short grace period", async () => {
  const config = { storage: { maintenance: { gc: { graceperiod: "2s" } } } };
  await using registry = await startRegistry({ config });
  const blob = contentOf("a layer");
  await pushBlob(registry.client, "team/app", blob);
  const hex = blob.digest.slice("sha256:".length);
  const path = `${registry.root}/docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`;
  const head = () => registry.client.ask({ method: "HEAD", path: `/v2/team/app/blobs/${blob.digest}` });
  // This process has marked it now, and does so again when a quarter of the grace period is over.
  expect((await head()).status).toBe(200);
  await utimes(path, LONG_AGO, LONG_AGO);
  await expect
    .poll(async () => {
      expect((await head()).status).toBe(200);
      return (await stat(path)).mtimeMs;
    })
    .toBeGreaterThan(LONG_AGO.getTime());
});
