import { link, mkdir, open, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { run } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { readTarEntries, TarDamaged, TarMetadataExceeded, type TarEntry } from "../../src/archive/tar-entries.js";
import { rawEntry, record, turnsDuring } from "./tar-blocks.js";

const BUDGET = 1024 * 1024;
const never = new AbortController().signal;

async function* inPieces(bytes: Uint8Array, size: number): AsyncIterable<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
  await Promise.resolve();
}

async function read(tar: Buffer, size = 1000, budget = BUDGET): Promise<readonly TarEntry[]> {
  const entries: TarEntry[] = [];
  for await (const entry of readTarEntries(inPieces(tar, size), budget, never)) entries.push(entry);
  return entries;
}

const end = Buffer.alloc(1024);
const pathsOf = async (...blocks: readonly Buffer[]) =>
  (await read(Buffer.concat([...blocks, end]))).map(({ path }) => path);
const pax = (...records: readonly string[]) => rawEntry(records.join(""), { type: "x" });
const after = rawEntry("after", { name: "after" });

/** Also such that need more than the 100 and 255 bytes of old headers. */
const name = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 40 })
  .filter((text) => !/[/\0]/.test(text) && !/^\.{1,2}$/.test(text) && text.isWellFormed())
  .map((text) => text.repeat(3).slice(0, 80))
  .filter((text) => text.isWellFormed() && Buffer.byteLength(text) <= 255);
const path = fc.array(name, { minLength: 1, maxLength: 6 }).map((parts) => `d/${parts.join("/")}`);

const FORMATS = [
  ["--format=gnu"],
  ["--format=gnu", "--sparse"],
  ["--format=posix"],
  ["--format=posix", "--pax-option=comment=of all,globexthdr.name=g", "--pax-option=SCHILY.xattr.user.note:=x"],
  ["--format=posix", "--sparse", "--sparse-version=0.0"],
  ["--format=posix", "--sparse", "--sparse-version=0.1"],
  ["--format=posix", "--sparse", "--sparse-version=1.0"],
] as const;

describe("the entries of a tar", () => {
  it("are those that tar(1) wrote, in each of its formats and in whatever pieces", async () => {
    await using folder = await makeTemporaryFolder("tar-entries");
    const root = join(folder.path, "root");
    const file = join(folder.path, "a.tar");
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(path, fc.nat(3000), { minKeys: 1, maxKeys: 6, noNullPrototype: true }),
        fc.integer({ min: 100, max: 5000 }),
        async (files, piece) => {
          await rm(root, { recursive: true, force: true });
          const expected = new Map<string, string>();
          for (const [at, size] of Object.entries(files)) {
            // A path may be a folder of another one.
            if (
              [...expected.keys()].some((other) => other.startsWith(`./${at}/`) || at.startsWith(`${other.slice(2)}/`))
            )
              continue;
            await mkdir(dirname(join(root, at)), { recursive: true });
            await writeFile(join(root, at), "x".repeat(size));
            expected.set(`./${at}`, `file ${size}`);
            for (let up = dirname(at); up !== "."; up = dirname(up)) expected.set(`./${up}/`, "directory 0");
          }
          const [some = ""] = Object.keys(files);
          await symlink(`${some}/elsewhere`, join(root, "zz-symlink"));
          expected.set("./zz-symlink", `symlink 0 ${some}/elsewhere`);
          await writeFile(join(root, "first"), "1");
          await link(join(root, "first"), join(root, "second"));
          await writeWithHoles(join(root, "holes"));
          expected.set("./holes", `file ${HOLES * 65_536 + 1}`);
          for (const options of FORMATS) {
            await run("tar", ["--create", "--file", file, "--sort=name", ...options, "-C", root, "."]);
            const found = await read(await readFile(file), piece);
            const shown = found.map(({ path: at, type, size, link: to }) => [at, `${type} ${size} ${to}`.trim()]);
            expect(new Map(shown as [string, string][])).toEqual(
              new Map([...expected, ["./", "directory 0"], ["./first", "file 1"], ["./second", "link 0 ./first"]]),
            );
          }
        },
      ),
      { numRuns: 4 },
    );
  });

  it("are in step with what clients unpack, whatever sizes are given", async () => {
    const big = Buffer.alloc(12);
    big.writeUInt8(0x80, 0);
    big.writeUInt8(5, 11);
    // What a list would show if it took the content of a file for headers.
    const hidden = Buffer.concat([rawEntry("", { name: "hidden" }), rawEntry("", { name: "hidden" })]).toString(
      "latin1",
    );
    const size = record("size", String(hidden.length));
    const none = Buffer.from("00000000000\0");
    expect(await pathsOf(rawEntry("12345", { name: "base256", sizeField: big }), after)).toEqual(["base256", "after"]);
    expect(await pathsOf(pax(size), rawEntry(hidden, { name: "a", sizeField: none }), after)).toEqual(["a", "after"]);
    // The size isn't that of the long name between them, nor of a link, which has no content.
    const long = rawEntry("long\0", { type: "L" });
    expect(await pathsOf(pax(size), long, rawEntry(hidden, { sizeField: none }), after)).toEqual(["long", "after"]);
    expect(await pathsOf(pax(size), rawEntry("", { name: "l", type: "2", link: "to" }), after)).toEqual(["l", "after"]);
    expect(await pathsOf(rawEntry(size, { type: "g" }), rawEntry("", { name: "a" }), after)).toEqual(["a", "after"]);
    // Of two PAX headers the second counts, and of two records the last.
    const twice = pax(record("path", "one"), record("path", "two"));
    expect(await pathsOf(pax(size), twice, rawEntry(""), after)).toEqual(["two", "after"]);
    expect(await pathsOf(pax(record("path", "")), rawEntry("", { name: "own" }))).toEqual(["own"]);
    expect(await pathsOf(rawEntry("", { name: "old/", type: "\0" }), after)).toEqual(["old/", "after"]);
  });

  it.each([
    ["a checksum", Buffer.concat([Buffer.from("y"), rawEntry("").subarray(1)])],
    ["a size that is negative", rawEntry("", { sizeField: Buffer.alloc(12, 0xff) })],
    ["a size beyond what is safe", rawEntry("", { sizeField: Buffer.alloc(12, 0x9f) })],
    ["a size that is no number", rawEntry("", { sizeField: Buffer.from("0000000009z\0") })],
    ["a PAX size", pax(record("size", "-1"))],
    ["a PAX path with a zero byte", pax(record("path", "a\0b"))],
    ["a record without an end", pax("9 path=a")],
    ["a record without a key", pax("4 a\n")],
    ["a record of no length", pax("0 a=b\n")],
    ["a record that is longer than its header", pax("99 a=b\n")],
    ["a header that is cut off", rawEntry("x".repeat(600), { type: "x" }).subarray(0, 700)],
    ["a file that is cut off", rawEntry("x".repeat(600)).subarray(0, 700)],
  ])("aren't read on after %s that is wrong", async (_, blocks) => {
    const isCut = blocks.length % 512 !== 0;
    await expect(read(isCut ? blocks : Buffer.concat([blocks, after, end]))).rejects.toBeInstanceOf(TarDamaged);
  });

  it.each([
    ["a PAX header", rawEntry("5 a=\n".repeat(13_200), { type: "x" })],
    ["a long name", rawEntry("/".repeat(70_000), { type: "L" })],
    ["a path", pax(record("path", "a/".repeat(2100)))],
    ["a link's target", Buffer.concat([rawEntry("t".repeat(4097), { type: "K" }), rawEntry("", { type: "2" })])],
    ["all PAX headers", Buffer.concat(Array.from({ length: 20 }, () => pax("5 a=\n".repeat(12_000))))],
    ["all headers without content", Buffer.concat(Array.from({ length: 10_000 }, () => pax()))],
    ["all headers for everything", Buffer.concat(Array.from({ length: 10_000 }, () => rawEntry("", { type: "g" })))],
  ])("aren't read on after %s that is too long", async (_, blocks) => {
    await expect(read(Buffer.concat([blocks, after, end]))).rejects.toBeInstanceOf(TarMetadataExceeded);
  });

  it("leave others their turn, whether there are many or much is said of them", async () => {
    const many = Buffer.concat(Array.from({ length: 5120 }, () => rawEntry("")));
    expect((await turnsDuring(read(many, many.length))).turns).toBeGreaterThanOrEqual(10);
    const much = Buffer.concat(Array.from({ length: 40 }, () => pax("5 a=\n".repeat(13_000))));
    expect((await turnsDuring(read(much, much.length, 4 * BUDGET))).turns).toBeGreaterThanOrEqual(8);
  });
});

/** More than the old GNU format has in a header and one more block. */
const HOLES = 40;

async function writeWithHoles(at: string): Promise<void> {
  await using file = await open(at, "w");
  for (let index = 0; index <= HOLES; index += 1) await file.write("x", index * 65_536);
}
