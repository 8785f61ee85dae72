import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { access, mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { startRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { expect, it } from "vitest";

const MIB = 1024 * 1024;

/** A registry that sends half of each blob, and then nothing. */
async function startStallingUpstream(bytes: Buffer): Promise<{ readonly server: Server; readonly url: string }> {
  const server = createServer((request, response) => {
    if (request.url === "/v2/") {
      response.end("{}");
      return;
    }
    response.writeHead(200, { "content-length": bytes.length, "content-type": "application/octet-stream" });
    if (request.method === "HEAD") response.end();
    else response.write(bytes.subarray(0, bytes.length / 2));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return { server, url: `http://127.0.0.1:${port}` };
}

it("removes what a killed process was downloading, and nothing that another one may still be downloading", async () => {
  const bytes = randomBytes(16 * MIB);
  const hex = createHash("sha256").update(bytes).digest("hex");
  const { server, url } = await startStallingUpstream(bytes);
  await using folder = await makeTemporaryFolder("leftovers");
  const settings = { root: `${folder.path}/data`, config: { proxy: { remoteurl: url } } };
  const downloads = `${settings.root}/docker/registry/v2/longshore/mirror/downloads/sha256`;
  const filesOf = (digest: string): Promise<string[]> => readdir(`${downloads}/${digest}`).catch(() => []);
  try {
    const killed = await startRegistry(settings);
    const client = fetch(`${killed.url}/v2/team/app/blobs/sha256:${hex}`).then((response) => response.arrayBuffer());
    client.catch(() => undefined);
    await expect.poll(() => filesOf(hex), { timeout: 30_000 }).toHaveLength(1);
    process.kill(killed.pid, "SIGKILL");
    await killed[Symbol.asyncDispose]();
    const [left = ""] = await filesOf(hex);
    const longAgo = new Date(Date.now() - 3_600_000);
    await utimes(`${downloads}/${hex}/${left}`, longAgo, longAgo);
    const other = `${downloads}/${"0".repeat(64)}`;
    await mkdir(other);
    await writeFile(`${other}/of-another-process`, "half");
    await using next = await startRegistry(settings);
    await expect.poll(() => filesOf(hex), { timeout: 30_000 }).toEqual([]);
    await expect.poll(() => next.logs()).toContain("removed leftovers of killed downloads");
    await access(`${other}/of-another-process`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
