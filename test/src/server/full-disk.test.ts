import { randomBytes } from "node:crypto";
import { open, readdir, rm, writeFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { contentOf, randomContent, type Content } from "@longshore/testkit/fixtures";
import type { Answer, HttpClient } from "@longshore/testkit/http-client";
import { describePeer } from "@longshore/testkit/peers";
import { run } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { startRegistry } from "@longshore/testkit/start-registry";

const MIB = 1024 * 1024;
const UPLOADS = "/v2/full/disk/blobs/uploads/";

/** Mounts a file system in memory that is soon full. */
async function mountSmall(): Promise<{ path: string; remount(mode: "ro" | "rw"): Promise<unknown> } & AsyncDisposable> {
  const folder = await makeTemporaryFolder("full");
  await run("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", folder.path]);
  return {
    path: folder.path,
    remount: (mode) => run("mount", ["-o", `remount,${mode}`, folder.path]),
    [Symbol.asyncDispose]: async () => {
      await run("umount", ["-l", folder.path]);
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function fill(path: string): Promise<void> {
  const file = await open(path, "w");
  try {
    for (;;) await file.write(Buffer.alloc(4096));
  } catch (error) {
    expect(error).toMatchObject({ code: "ENOSPC" });
  } finally {
    await file.close();
  }
}

const post = (client: HttpClient): Promise<Answer> => client.ask({ method: "POST", path: UPLOADS });

async function push(client: HttpClient, { bytes, digest }: Content): Promise<Answer> {
  const begun = await post(client);
  if (begun.status !== 202) return begun;
  const location = begun.headers.location ?? "";
  const path = `${location}${location.includes("?") ? "&" : "?"}digest=${digest}`;
  return client.ask({ method: "PUT", path, body: bytes });
}

const told = (answer: Answer): unknown => [answer.status, answer.code(), answer.detail()];
const says = (status: number, text: RegExp): unknown => [status, "UNAVAILABLE", expect.stringMatching(text)];

describePeer("mount", () => {
  it("a full disk is 507 and leaves no sessions behind, a read-only one is 503, and both pass without a restart", async () => {
    await using disk = await mountSmall();
    await using registry = await startRegistry({ root: `${disk.path}/root` });
    const { client } = registry;
    const kept = randomContent(1000);
    expect((await push(client, kept)).status).toBe(201);
    const sessions = () => readdir(`${disk.path}/root/docker/registry/v2/repositories/full/disk/_uploads`);

    expect(told(await push(client, contentOf(randomBytes(6 * MIB))))).toEqual(says(507, /the storage is full/));
    // That one can be resumed.
    const resumable = await sessions();
    expect(resumable.length).toBeLessThanOrEqual(1);
    for (const uuid of resumable)
      await rm(`${disk.path}/root/docker/registry/v2/repositories/full/disk/_uploads/${uuid}`, { recursive: true });
    await fill(`${disk.path}/filler`);
    for (let tries = 0; tries < 20; tries += 1)
      expect(told(await post(client))).toEqual(says(507, /operator has to make room/));
    expect(await sessions()).toEqual([]);
    expect((await client.ask({ path: `/v2/full/disk/blobs/${kept.digest}` })).body.equals(kept.bytes)).toBe(true);
    await rm(`${disk.path}/filler`);
    expect((await push(client, randomContent(1000))).status).toBe(201);

    await disk.remount("ro");
    await expect(writeFile(`${disk.path}/x`, "x")).rejects.toMatchObject({ code: "EROFS" });
    expect(told(await post(client))).toEqual(says(503, /the storage is read-only/));
    expect((await client.ask({ path: `/v2/full/disk/blobs/${kept.digest}` })).status).toBe(200);
    await disk.remount("rw");
    expect((await push(client, randomContent(1000))).status).toBe(201);
  });
});
