import { randomBytes } from "node:crypto";
import { KIB, MIB } from "@longshore/base/size";
import { openRegistry, parseRepositoryName } from "@longshore/storage";
import { collectBytes } from "@longshore/testkit/streams";
import { expect, it } from "vitest";
import { DOWNLOADS } from "../../src/blobs/spool-files.js";
import { createGate, sha256 } from "../fake-upstream.js";
import { APP, firstChunk, openSite, type MirrorSite } from "../site.js";

it("fetches no blob that is larger than the limit, and says why", async () => {
  await using site = await openSite("filesystem", { maxBlobBytes: MIB });
  const { blobs } = site.mirror.repository(APP);
  const large = site.upstream.addBlob(APP, randomBytes(MIB + 1));
  const refused = { fault: { code: "REFUSED", reason: expect.stringContaining("maxblobbytes") as string } };
  await expect(blobs.stat(large)).rejects.toMatchObject(refused);
  await expect(blobs.open(large)).rejects.toMatchObject(refused);
  const bytes = randomBytes(MIB);
  const digest = site.upstream.addBlob(APP, bytes);
  expect((await collectBytes(await blobs.open(digest))).equals(bytes)).toBe(true);
});

it("blames the upstream for a blob with another digest", async () => {
  await using site = await openSite("filesystem");
  const digest = site.upstream.addBlob(APP, randomBytes(KIB), sha256("something else"));
  await expect(collectBytes(await site.mirror.repository(APP).blobs.open(digest))).rejects.toThrow();
  await expect.poll(() => site.upstream.blamed).toEqual([expect.stringContaining(`requested ${digest}`)]);
});

it("goes on with a blob that is evicted when it has just been stored", async () => {
  const stored = createGate();
  const begun = createGate();
  let isEvicted = false;
  await using site = await openSite("filesystem", {
    observer: { downloaded: () => stored.open() },
    wrapDriver: (driver) => ({
      ...driver,
      async open(path, options) {
        // The reader is too slow to hold the file.
        if (path.startsWith(DOWNLOADS)) throw new Error("the file is gone");
        if (!isEvicted) {
          isEvicted = true;
          await openRegistry(driver).repository(APP).blobs.delete(digest);
          await driver.delete(path);
        }
        return driver.open(path, options);
      },
    }),
  });
  const bytes = randomBytes(16 * MIB);
  const digest = site.upstream.addBlob(APP, bytes);
  site.upstream.beforeChunk = (index) => (index < 5 ? Promise.resolve() : begun.opened);
  const slow = await site.mirror.repository(APP).blobs.open(digest);
  const head = await firstChunk(slow);
  begun.open();
  await stored.opened;
  expect(sha256(Buffer.concat([head, await collectBytes(slow)]))).toBe(digest);
  expect(isEvicted).toBe(true);
  expect(site.upstream.calls.filter((call) => call.startsWith("blob"))).toHaveLength(2);
});

it("follows many downloads of another process without a warning", async () => {
  const gate = createGate();
  const warnings: Error[] = [];
  const warn = (warning: Error): void => void warnings.push(warning);
  process.on("warning", warn);
  await using holder = await openSite("filesystem");
  holder.upstream.beforeChunk = (index) => (index < 2 ? Promise.resolve() : gate.opened);
  await using other = await openSite("filesystem", {
    wrapDriver: () => ({ ...holder.driver, close: () => Promise.resolve() }),
  });
  const contents = Array.from({ length: 16 }, () => randomBytes(300 * KIB));
  const digests = contents.map((bytes) => holder.upstream.addBlob(APP, bytes));
  const open = ({ mirror }: MirrorSite) =>
    Promise.all(digests.map((digest) => mirror.repository(APP).blobs.open(digest)));
  const streams = [...(await open(holder)), ...(await open(other))];
  gate.open();
  await Promise.all(streams.map(collectBytes));
  process.off("warning", warn);
  expect(warnings).toEqual([]);
});

it.each([
  ["that has it, too", true],
  ["that only says that it has it", false],
])("gives what another repository has to clients of an upstream %s", async (_, isTrue) => {
  await using site = await openSite("filesystem");
  const bytes = randomBytes(MIB);
  const digest = site.upstream.addBlob("library/other", bytes);
  const other = site.mirror.repository(parseRepositoryName("library/other"));
  await collectBytes(await other.blobs.open(digest));
  await expect
    .poll(() => openRegistry(site.driver).repository(other.name).blobs.stat(digest))
    .toMatchObject({ digest });
  site.upstream.addBlob(APP, isTrue ? bytes : randomBytes(MIB), digest);
  const got = collectBytes(await site.mirror.repository(APP).blobs.open(digest));
  if (isTrue) expect((await got).equals(bytes)).toBe(true);
  else await expect(got).rejects.toMatchObject({ fault: { code: "INVALID_ANSWER" } });
  // The proof, and where there is none a download.
  expect(site.upstream.calls.filter((call) => call.startsWith(`blob ${APP}`))).toHaveLength(isTrue ? 1 : 2);
});
