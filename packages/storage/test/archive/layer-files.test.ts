import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { packTar } from "modern-tar";
import { LayerUnreadable } from "../../src/archive/decompression.js";
import { listLayer } from "../../src/archive/layer-files.js";
import { rawEntry, record, turnsDuring } from "./tar-blocks.js";

const LIMITS = { entries: 100, bytes: 1_000_000, text: 100_000, metadata: 1_000_000 };
const never = (): AbortSignal => new AbortController().signal;

async function* inPieces(bytes: Uint8Array, size = 100): AsyncIterable<Uint8Array> {
  // As drivers do it: the buffer is used again for the next chunk.
  const buffer = Buffer.alloc(size);
  for (let start = 0; start < bytes.length; start += size) {
    const part = bytes.subarray(start, start + size);
    buffer.set(part);
    yield buffer.subarray(0, part.length);
    buffer.fill(0xff);
    await Promise.resolve();
  }
}

const list = (bytes: Uint8Array, over: Partial<typeof LIMITS> = {}, time = never()) =>
  listLayer(inPieces(bytes), { ...LIMITS, ...over }, { time, signal: never() });

const file = (name: string, body = "") => ({ header: { name, size: body.length, mode: 0o644 }, body });
const layer = () =>
  packTar([
    { header: { name: "./etc/", type: "directory", size: 0, mode: 0o755 } },
    file("./etc/passwd", "root"),
    { header: { name: "bin/sh", type: "symlink", linkname: "busybox", size: 0, mode: 0o777 } },
    file("usr/.wh.local"),
    file("var/.wh..wh..opq"),
    file(`long/${"x".repeat(300)}`, "deep"),
  ]);

describe("the files of a layer", () => {
  it.each(["none", "gzip"] as const)("are listed with what they remove, compressed by %s", async (compression) => {
    const tar = await layer();
    const found = await list(compression === "gzip" ? gzipSync(tar) : tar);
    expect(found).toEqual({
      compression,
      files: [
        { path: "etc", type: "directory", size: 0, mode: 0o755 },
        { path: "etc/passwd", type: "file", size: 4, mode: 0o644 },
        { path: "bin/sh", type: "symlink", size: 0, mode: 0o777, link: "busybox" },
        { path: "usr/local", type: "file", size: 0, mode: 0o644, removes: "path" },
        { path: "var", type: "file", size: 0, mode: 0o644, removes: "contents" },
        { path: `long/${"x".repeat(300)}`, type: "file", size: 4, mode: 0o644 },
      ],
    });
  });

  it("are as many as the limits allow", async () => {
    const tar = await layer();
    expect(await list(tar, { entries: 2 })).toMatchObject({ cutBy: "entries", files: [{}, {}] });
    expect((await list(tar, { text: 200 })).cutBy).toBe("text");
    expect((await list(gzipSync(tar), { bytes: 1000 })).cutBy).toBe("bytes");
    expect((await list(tar, {}, AbortSignal.abort())).cutBy).toBe("time");
  });

  it("are as many as fit into JSON, where a control character takes six bytes", async () => {
    const named = (letter: string) => Buffer.concat([rawEntry("", { name: letter.repeat(90) }), Buffer.alloc(1024)]);
    const bounds = { text: 128 + 2 + 6 * 90 };
    expect((await list(named("\u0001"), bounds)).files).toHaveLength(1);
    const cut = await list(named("\u0001"), { text: bounds.text - 1 });
    expect([cut.cutBy, cut.files]).toEqual(["text", []]);
    expect((await list(named("a"), { text: 128 + 2 + 90 })).cutBy).toBeUndefined();
  });

  it("of a small layer that unpacks to a lot take no more than the limit", async () => {
    const bomb = gzipSync(await packTar([file("zeros", "0".repeat(20_000_000))]));
    expect(bomb.length).toBeLessThan(100_000);
    expect(await list(bomb)).toEqual({
      compression: "gzip",
      files: [{ path: "zeros", type: "file", size: 20_000_000, mode: 0o644 }],
      cutBy: "bytes",
    });
  });

  const times = (count: number, entry: Buffer) => Array.from({ length: count }, () => entry);
  const before = rawEntry("", { name: "before" });
  it.each([
    [
      "keys of PAX",
      "metadata",
      rawEntry(Array.from({ length: 20_000 }, (_, index) => record(`k${index}`, "")).join(""), { type: "x" }),
    ],
    ["parts of a path", "metadata", rawEntry(record("path", "abc/".repeat(20_000)), { type: "x" })],
    ["records of PAX", "metadata", rawEntry("5 a=\n".repeat(40_000), { type: "x" })],
    ["slashes", "metadata", rawEntry(record("path", "/".repeat(60_000)), { type: "x" })],
    // Of what counts for everything nothing is read, so that it costs nothing.
    ["records of PAX for everything", undefined, rawEntry("5 a=\n".repeat(40_000), { type: "g" })],
  ])("end before a hostile number of %s, or go on without", async (_, cutBy, hostile) => {
    const tar = Buffer.concat([before, ...times(20, Buffer.concat([hostile, rawEntry("")])), Buffer.alloc(1024)]);
    const found = await list(gzipSync(tar), { bytes: 20_000_000 });
    expect(found.files[0]).toMatchObject({ path: "before" });
    expect([found.cutBy, found.files.length]).toEqual([cutBy, cutBy === undefined ? 21 : 1]);
  });

  it("count also what is no file, and leave others their turn", async () => {
    const tar = Buffer.concat([before, ...times(3000, rawEntry("", { name: "./" })), Buffer.alloc(1024)]);
    const cut = await list(tar, { bytes: 2_000_000 });
    expect([cut.cutBy, cut.files.length]).toEqual(["entries", 1]);
    const bounds = { bytes: 2_000_000, entries: 4000 };
    const all = listLayer(inPieces(tar, tar.length), { ...LIMITS, ...bounds }, { time: never(), signal: never() });
    const { result, turns } = await turnsDuring(all);
    expect([result.cutBy, result.files.length]).toEqual([undefined, 1]);
    expect(turns).toBeGreaterThanOrEqual(5);
  });

  it("end in time while the storage keeps silent", async () => {
    const time = new AbortController();
    async function* silent(): AsyncIterable<Uint8Array> {
      yield before;
      time.abort();
      await new Promise<never>(() => undefined);
    }
    const found = await listLayer(silent(), LIMITS, { time: time.signal, signal: never() });
    expect(found.cutBy).toBe("time");
  });

  it("of what is no layer, or of half a layer, aren't listed", async () => {
    await expect(list(Buffer.from("x".repeat(2000)))).rejects.toBeInstanceOf(LayerUnreadable);
    await expect(list(gzipSync(await layer()).subarray(0, 100))).rejects.toBeInstanceOf(LayerUnreadable);
    await expect(list(Buffer.from("1f8b0000", "hex"))).rejects.toBeInstanceOf(LayerUnreadable);
    expect((await list(new Uint8Array())).files).toEqual([]);
  });

  it("fail with the fault of the storage, and with the client", async () => {
    async function* broken(): AsyncIterable<Uint8Array> {
      yield (await layer()).subarray(0, 600);
      throw new Error("disk");
    }
    await expect(listLayer(broken(), LIMITS, { time: never(), signal: never() })).rejects.toThrow("disk");
    const gone = AbortSignal.abort(new Error("gone"));
    await expect(listLayer(inPieces(await layer()), LIMITS, { time: never(), signal: gone })).rejects.toThrow("gone");
  });
});
