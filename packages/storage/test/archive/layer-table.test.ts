import { gzipSync } from "node:zlib";
import { STARGZ_DIGEST, stargzLayer } from "@longshore/testkit/stargz";
import { describe, expect, it } from "vitest";
import { agrees, findTable, type LayerSource } from "../../src/archive/layer-footer.js";
import { listByTable } from "../../src/archive/layer-table.js";
import { rawEntry, turnsDuring } from "./tar-blocks.js";

const LIMITS = {
  entries: 100,
  bytes: 1_000_000,
  text: 100_000,
  metadata: 1_000_000,
  table: { stored: 100_000, read: 1_000_000 },
};
const never = (): AbortSignal => new AbortController().signal;

interface Counted extends LayerSource {
  read(): number;
}

function sourceOf(bytes: Buffer): Counted {
  let read = 0;
  return {
    size: bytes.length,
    read: () => read,
    open: ({ start = 0, end = bytes.length - 1 }) => {
      const part = bytes.subarray(start, end + 1);
      async function* chunks(): AsyncGenerator<Uint8Array> {
        // As drivers do it: the buffer is used again for the next chunk.
        const buffer = Buffer.alloc(1000);
        for (let at = 0; at < part.length; at += buffer.length) {
          const chunk = part.subarray(at, at + buffer.length);
          buffer.set(chunk);
          read += chunk.length;
          yield buffer.subarray(0, chunk.length);
          buffer.fill(0xff);
          await Promise.resolve();
        }
      }
      const iterator = chunks();
      return Promise.resolve({
        size: bytes.length,
        [Symbol.asyncIterator]: () => iterator,
        close: async () => void (await iterator.return(undefined)),
      });
    },
  };
}

async function list(bytes: Buffer, over: Partial<typeof LIMITS> = {}, time = never()) {
  const layer = sourceOf(bytes);
  const table = await findTable(layer);
  const listing =
    table === undefined
      ? undefined
      : await listByTable(layer, table, { ...LIMITS, ...over }, { time, signal: never() });
  return { table, listing, read: layer.read() };
}

const tableOf = (...entries: unknown[]) => JSON.stringify({ version: 1, entries });
const BIG = rawEntry("x".repeat(400_000), { name: "data" });
const REAL = tableOf(
  { name: "etc/", type: "dir", mode: 16877 },
  { name: "etc/passwd", type: "reg", size: 4, mode: 33188, digest: "sha256:x", xattrs: { user: '"{[' } },
  { name: "etc/passwd", type: "chunk", chunkOffset: 2 },
  { name: "bin/sh", type: "symlink", linkName: "busybox", mode: 0o777 },
  { name: "bin/ash", type: "hardlink", linkName: "bin/sh", size: 9 },
  { name: "usr/.wh.local", type: "reg" },
  { name: "var/.wh..wh..opq", type: "reg" },
);

describe("the table of an eStargz layer", () => {
  it("is the list of its files, for which nothing else is read", async () => {
    const { bytes, tableDigest } = stargzLayer(BIG, REAL);
    const { listing, read } = await list(bytes);
    expect(listing?.files).toEqual([
      { path: "etc", type: "directory", size: 0, mode: 0o755 },
      { path: "etc/passwd", type: "file", size: 4, mode: 0o644 },
      { path: "bin/sh", type: "symlink", size: 0, mode: 0o777, link: "busybox" },
      { path: "bin/ash", type: "link", size: 0, mode: 0, link: "bin/sh" },
      { path: "usr/local", type: "file", size: 0, mode: 0, removes: "path" },
      { path: "var", type: "file", size: 0, mode: 0, removes: "contents" },
    ]);
    expect(listing).toMatchObject({ compression: "gzip", table: { format: "estargz", digest: tableDigest } });
    expect(listing?.cutBy).toBeUndefined();
    expect(read).toBeLessThan(1000);
  });

  it("counts if nothing contradicts it", async () => {
    const { bytes, tableDigest } = stargzLayer(BIG, REAL);
    const table = (await list(bytes)).listing?.table;
    expect(table).toBeDefined();
    if (table === undefined) return;
    expect(agrees(table, {})).toBe(true);
    expect(agrees(table, { [STARGZ_DIGEST]: tableDigest })).toBe(true);
    expect(agrees(table, { [STARGZ_DIGEST]: tableDigest.replace(/.$/, "-") })).toBe(false);
  });

  it("is as long as the limits allow, and is read to its end for its digest", async () => {
    const entries = Array.from({ length: 300 }, (_, index) => ({ name: `file-${index}`, type: "reg" }));
    const { bytes, tableDigest } = stargzLayer(BIG, tableOf(...entries));
    const cut = (await list(bytes)).listing;
    expect(cut).toMatchObject({ cutBy: "entries", table: { digest: tableDigest } });
    expect(cut?.files).toHaveLength(100);
    expect((await list(bytes, { text: 200 })).listing?.cutBy).toBe("text");
    expect((await list(bytes, { table: { stored: 100, read: 1_000_000 } })).listing).toBeUndefined();
    expect((await list(bytes, { table: { stored: 100_000, read: 1000 } })).listing).toBeUndefined();
    expect((await list(bytes, {}, AbortSignal.abort())).listing).toBeUndefined();
  });

  it("counts with all pieces of its files, eight of which count as one file", async () => {
    const pieces = (count: number) => Array.from({ length: count }, () => ({ name: "x", type: "chunk" }));
    const last = { name: "last", type: "reg" };
    const all = (await list(stargzLayer(BIG, tableOf(...pieces(792), last)).bytes)).listing;
    expect([all?.cutBy, all?.files.length]).toEqual([undefined, 1]);
    const cut = (await list(stargzLayer(BIG, tableOf(...pieces(801), last)).bytes)).listing;
    expect([cut?.cutBy, cut?.files.length]).toEqual(["entries", 0]);
  });

  it("has its keys in any case and with escapes, as the clients read it", async () => {
    const files = [{ path: "x", type: "file", size: 7, mode: 0o644 }];
    for (const json of [
      '{"Entries":[{"NAME":"x","tYpe":"reg","\u017fize":7,"Mode":420}],"other":"entries"}',
      '{"entr\\u0069e\u017f":[{"n\\u0061me":"x","type":"reg","size":7,"mode":420}]}',
    ]) {
      expect((await list(stargzLayer(BIG, json).bytes)).listing?.files).toEqual(files);
    }
  });

  const many = (count: number, text: string) => text.repeat(count);
  it.each([
    ["no JSON", "nonsense"],
    ["no end", REAL.slice(0, -2)],
    ["no entries", '{"version":1}'],
    ["two lists of entries", `{"entries":[],"entries":[${JSON.stringify({ name: "x", type: "reg" })}]}`],
    ["two in different case", `{"entries":[],"ENTRIES":[]}`],
    ["two, one with escapes", String.raw`{"entries":[],"entr\u0069es":[]}`],
    ["two by Unicode's folding", `{"entries":[],"entrie\u017f":[]}`],
    ["two, one of which is no list", `{"entries":[],"Entries":null}`],
    ["a list after its end", `{"version":1}{"entries":[]}`],
    ["a key that is none", String.raw`{"entr\xes":[],"entries":[]}`],
    ["a name in two spellings", `{"entries":[{"name":"decoy","type":"reg","Name":"evil"}]}`],
    ["a target in two spellings", `{"entries":[{"name":"x","type":"symlink","linkName":"a","lin\u212aname":"b"}]}`],
    ["entries of another type", tableOf({ name: "x", type: "door" })],
    ["names of objects", tableOf({ name: "x", type: "constructor" })],
    ["a name that is none", tableOf({ name: 7, type: "reg" })],
    ["a name that no system has", tableOf({ name: "a/".repeat(4000), type: "reg" })],
    ["a zero byte in a name", tableOf({ name: "a\0b", type: "reg" })],
    ["a negative size", tableOf({ name: "x", type: "reg", size: -1 })],
    ["an enormous entry", tableOf({ name: "x", type: "reg", xattrs: { a: "y".repeat(200_000) } })],
    ["entries within each other", `{"entries":[{"name":"x","type":"reg","xattrs":${many(50_000, "[")}`],
    ["a depth of its own", `{"other":${many(100_000, "[")}${many(100_000, "]")},"entries":[]}`],
    ["closing brackets alone", many(100_000, "]")],
    ["a bomb", tableOf({ name: "x", type: "reg", note: many(5_000_000, "0") })],
  ])("doesn't count with %s", async (_, json) => {
    const { listing, table } = await list(stargzLayer(BIG, json).bytes);
    expect(table?.format).toBe("estargz");
    expect(listing).toBeUndefined();
  });

  it("of values without number leaves others their turn", async () => {
    const { bytes } = stargzLayer(BIG, `{"other":[${many(400_000, "0,")}0],"entries":[]}`);
    const { result, turns } = await turnsDuring(list(bytes));
    expect(result.listing?.files).toEqual([]);
    expect(turns).toBeGreaterThanOrEqual(10);
  });

  it("is only where its footer says, and nowhere else", async () => {
    const { bytes } = stargzLayer(BIG, REAL, { name: "other.json" });
    expect((await list(bytes)).listing).toBeUndefined();
    for (const offset of [0, 10, 2 ** 52]) {
      const moved = stargzLayer(BIG, REAL, { offset }).bytes;
      expect((await list(moved)).listing).toBeUndefined();
    }
    expect((await list(gzipSync(BIG))).table).toBeUndefined();
    expect((await list(Buffer.alloc(10))).table).toBeUndefined();
  });

  it("fails with the fault of the storage, and with the client", async () => {
    const layer = sourceOf(stargzLayer(BIG, REAL).bytes);
    const table = await findTable(layer);
    if (table === undefined) throw new Error("no table");
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield Buffer.from([0x1f]);
      await Promise.reject(new Error("disk"));
    }
    const broken = { size: 9, [Symbol.asyncIterator]: failing, close: () => Promise.resolve() };
    const patience = { time: never(), signal: never() };
    const open = () => Promise.resolve(broken);
    await expect(listByTable({ ...layer, open }, table, LIMITS, patience)).rejects.toThrow("disk");
    const signal = AbortSignal.abort(new Error("gone"));
    await expect(listByTable(layer, table, LIMITS, { time: never(), signal })).rejects.toThrow("gone");
  });
});

describe("the table of a zstd:chunked layer", () => {
  const footer = (size: 40 | 64, magic: string, [start, stored, read, type]: readonly number[]) => {
    const frame = Buffer.alloc(8 + size);
    frame.writeUInt32LE(0x184d2a50);
    frame.writeUInt32LE(size, 4);
    for (const [index, value] of [start, stored, read, type].entries()) {
      frame.writeBigUInt64LE(BigInt(value ?? 0), 8 + 8 * index);
    }
    frame.write(magic, size);
    return Buffer.concat([Buffer.alloc(1000, 0x28), frame]);
  };

  it.each([
    [64, "GNUlInUx"],
    [40, "GnUlInUx"],
  ] as const)("is where a footer of %i bytes says", async (size, magic) => {
    const found = await findTable(sourceOf(footer(size, magic, [100, 50, 400, 1])));
    expect(found).toEqual({ format: "zstd:chunked", start: 100, end: 150, length: 400 });
    expect(await findTable(sourceOf(footer(size, magic, [100, 901, 400, 1])))).toBeUndefined();
    expect(await findTable(sourceOf(footer(size, magic, [100, 50, 400, 2])))).toBeUndefined();
    expect(await findTable(sourceOf(footer(size, "GnuLiNuX", [100, 50, 400, 1])))).toBeUndefined();
    // What it doesn't say is no table, with or without this Node's zstd.
    expect((await list(footer(size, magic, [100, 50, 400, 1]))).listing).toBeUndefined();
  });

  it("counts if annotations of either age don't contradict it", () => {
    const table = { format: "zstd:chunked", start: 100, end: 150, length: 400, digest: "sha256:a" } as const;
    for (const prefix of ["io.containers.", "io.github.containers."]) {
      const of = (position: string, checksum: string) =>
        agrees(table, {
          [`${prefix}zstd-chunked.manifest-position`]: position,
          [`${prefix}zstd-chunked.manifest-checksum`]: checksum,
        });
      expect(of("100:50:400:1", "sha256:a")).toBe(true);
      expect(of("100:51:400:1", "sha256:a")).toBe(false);
      expect(of("100:50:400:1", "sha256:b")).toBe(false);
    }
  });
});
