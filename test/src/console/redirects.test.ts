import { pushBlob, randomContent } from "@longshore/testkit/fixtures";
import { s3Parameters, startStandIn } from "@longshore/testkit/s3/server";
import { startRegistry } from "@longshore/testkit/start-registry";
import { expect, it } from "vitest";

const MIB = 1024 * 1024;

it("the page is sent the documents that it shows, where clients are redirected to the storage", async () => {
  await using server = await startStandIn();
  const s3 = s3Parameters(server, await server.newBucket());
  await using registry = await startRegistry({ config: { storage: { filesystem: undefined, s3 } } });
  const [small, large] = [randomContent(1000), randomContent(17 * MIB)];
  for (const blob of [small, large]) await pushBlob(registry.client, "team/app", blob);
  const statusOf = async ({ digest }: { digest: string }, headers: Record<string, string>): Promise<number> =>
    (await registry.client.ask({ path: `/v2/team/app/blobs/${digest}`, headers })).status;
  expect([await statusOf(small, {}), await statusOf(large, {})]).toEqual([307, 307]);
  const page = { "longshore-console": "1", "sec-fetch-site": "same-origin" };
  expect([await statusOf(small, page), await statusOf(large, page)]).toEqual([200, 307]);
});
