import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "@longshore/testkit/loopback";
import { run, startDaemon } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { expect } from "vitest";
import { stringify } from "yaml";

/** Of `a password`. */
const HASH = "$2b$04$u2jt5ROVHfpTd/koSwwYOOIqSAXDNIdB7X86oMKA6K.ek9UOQJZXa";

/** Expects an installed program to have all of its parts: workers, the threads that compare passwords, the console's page, commands. */
export async function servesCompletely(program: string): Promise<void> {
  await using own = await makeTemporaryFolder("installed");
  const folder = own.path;
  const address = `127.0.0.1:${await freePort()}`;
  const config = join(folder, "config.yml");
  await writeFile(join(folder, "htpasswd"), `ann:${HASH}\n`);
  const settings = {
    version: 0.1,
    storage: { filesystem: { rootdirectory: join(folder, "data") } },
    auth: { htpasswd: { path: join(folder, "htpasswd"), realm: "test" } },
    http: { addr: address, workers: 2, secret: "own" },
  };
  await writeFile(config, stringify(settings));
  const registry = await startDaemon(program, ["serve", config], {
    ready: (output) => output.includes("listening on"),
  });
  try {
    const answer = (password: string) =>
      fetch(`http://${address}/v2/`, { headers: { authorization: `Basic ${btoa(`ann:${password}`)}` } });
    expect([(await answer("a password")).status, (await answer("another")).status]).toEqual([200, 401]);
    const page = await fetch(`http://${address}/`, { headers: { accept: "text/html" } });
    const [, script = ""] = /src="([^"]+\.js)"/.exec(await page.text()) ?? [];
    expect((await fetch(new URL(script, page.url))).headers.get("content-type")).toContain("javascript");
    await run(program, ["garbage-collect", config]);
  } finally {
    expect(await registry.stop()).toBe(0);
  }
}
