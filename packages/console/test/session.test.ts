import { writeFile } from "node:fs/promises";
import { createHttpClient } from "@longshore/testkit/http-client";
import { startRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { expect, it } from "vitest";
import { session } from "../src/api/session-document.js";

it("the page reads what the registry says of itself", async () => {
  await using folder = await makeTemporaryFolder("console-session");
  const path = `${folder.path}/htpasswd`;
  await writeFile(path, "");
  await using registry = await startRegistry({ config: { auth: { htpasswd: { realm: "r", path } } } });
  const client = createHttpClient(registry.url);
  const { body } = await client.ask({ path: "/_console/session", headers: { "longshore-console": "1" } });
  client.close();
  const { host } = new URL(registry.url);
  expect(session(JSON.parse(String(body)), "answer")).toMatchObject({
    account: undefined,
    logins: [{ kind: "password" }],
    anonymous: false,
    rights: { catalog: false, maintenance: false, tokens: false },
    host,
    features: { deletion: expect.any(Boolean) as boolean },
  });
});
