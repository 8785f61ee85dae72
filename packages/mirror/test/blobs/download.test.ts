import { randomBytes } from "node:crypto";
import { MIB } from "@longshore/base/size";
import { describe, expect, it } from "vitest";
import { collectBytes } from "@longshore/testkit/streams";
import { createGate, sha256 } from "../fake-upstream.js";
import { APP, firstChunk, openSite } from "../site.js";

describe.each(["filesystem", "inmemory"] as const)("blobs from an upstream over %s", (storage) => {
  it("fetches a blob once for all who ask at the same time, and keeps it", async () => {
    await using site = await openSite(storage);
    const bytes = randomBytes(20 * MIB);
    const digest = site.upstream.addBlob(APP, bytes);
    const { blobs } = site.mirror.repository(APP);
    const streams = await Promise.all(Array.from({ length: 20 }, () => blobs.open(digest)));
    const all = await Promise.all(streams.map(collectBytes));
    expect(all.every((each) => each.equals(bytes))).toBe(true);
    await expect.poll(() => site.mirror.repository(APP).blobs.stat(digest)).toMatchObject({ size: bytes.length });
    expect(site.upstream.calls.filter((call) => call.startsWith("blob"))).toHaveLength(1);
  });

  it("gives a client that comes late the beginning while the rest arrives", async () => {
    await using site = await openSite(storage);
    const bytes = randomBytes(16 * MIB);
    const digest = site.upstream.addBlob(APP, bytes);
    const [reached, gate] = [createGate(), createGate()];
    site.upstream.beforeChunk = async (index) => {
      if (index < 200) return;
      reached.open();
      await gate.opened;
    };
    const { blobs } = site.mirror.repository(APP);
    const first = collectBytes(await blobs.open(digest));
    await reached.opened;
    const late = await blobs.open(digest);
    const head = await firstChunk(late);
    expect(head.length).toBeGreaterThan(0);
    expect(head.equals(bytes.subarray(0, head.length))).toBe(true);
    await late.close();
    const again = collectBytes(await blobs.open(digest));
    gate.open();
    expect((await first).equals(bytes)).toBe(true);
    expect((await again).equals(bytes)).toBe(true);
    expect(site.upstream.calls.filter((call) => call.startsWith("blob"))).toHaveLength(1);
  });

  it("gives a slow client the rest of a file that has become a blob meanwhile", async () => {
    await using site = await openSite(storage);
    const bytes = randomBytes(16 * MIB);
    const digest = site.upstream.addBlob(APP, bytes);
    const [reached, gate] = [createGate(), createGate()];
    site.upstream.beforeChunk = async (index) => {
      if (index < 160) return;
      reached.open();
      await gate.opened;
    };
    const { blobs } = site.mirror.repository(APP);
    const first = collectBytes(await blobs.open(digest));
    await reached.opened;
    const slow = await blobs.open(digest);
    const head = await firstChunk(slow);
    gate.open();
    expect((await first).equals(bytes)).toBe(true);
    expect(Buffer.concat([head, await collectBytes(slow)]).equals(bytes)).toBe(true);
  });

  it("breaks off what has another digest, and stores nothing of it", async () => {
    await using site = await openSite(storage);
    const bytes = randomBytes(MIB);
    const digest = site.upstream.addBlob(APP, bytes, sha256("something else"));
    const { blobs } = site.mirror.repository(APP);
    await expect(collectBytes(await blobs.open(digest))).rejects.toMatchObject({ fault: { code: "INVALID_ANSWER" } });
    site.upstream.blobs.clear();
    await expect(blobs.open(digest)).rejects.toMatchObject({ fault: { code: "BLOB_UNKNOWN" } });
  });

  it("goes on without the client that started it", async () => {
    await using site = await openSite(storage);
    const bytes = randomBytes(4 * MIB);
    const digest = site.upstream.addBlob(APP, bytes);
    const gate = createGate();
    site.upstream.beforeChunk = (index) => (index < 5 ? Promise.resolve() : gate.opened);
    const { blobs } = site.mirror.repository(APP);
    const first = await blobs.open(digest);
    await firstChunk(first);
    const second = collectBytes(await blobs.open(digest));
    await first.close();
    gate.open();
    expect((await second).equals(bytes)).toBe(true);
  });
});
