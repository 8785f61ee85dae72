import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { collectBytes } from "@longshore/testkit/streams";
import { setImmediate as nextTurn } from "node:timers/promises";
import { canTouch, type StorageDriver } from "../../src/contract/driver.js";
import type { StorageErrorCode } from "../../src/errors.js";

/** How the suite opens and releases a driver over empty storage. */
export interface DriverSubject {
  readonly create: () => Promise<StorageDriver>;
  readonly destroy: (driver: StorageDriver) => Promise<void>;
  /**
   * Object storage has keys but no directories, no renames and no growing files: what follows from that is another half of
   * the contract (contract/object-storage.ts), and is tested instead of what only files can do. False by default.
   */
  readonly objectStorage?: boolean;
  /**
   * The storage may briefly report a file as missing while it is being replaced: it isn't consistent, and no driver can
   * tell. False by default.
   */
  readonly inconsistent?: boolean;
}

const MIB = 1024 * 1024;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Expects `promise` to reject with a StorageError with `code`. */
export async function expectFault(promise: Promise<unknown>, code: StorageErrorCode): Promise<void> {
  await expect(promise).rejects.toMatchObject({ name: "StorageError", fault: { code } });
}

/** What every storage driver does, whatever stores its bytes (contract/driver.ts). */
export function driverContract(name: string, subject: DriverSubject): void {
  const onFiles = subject.objectStorage !== true;
  describe(`${name}: the driver contract`, () => {
    let driver: StorageDriver;
    beforeEach(async () => {
      driver = await subject.create();
    });
    afterEach(async () => {
      await subject.destroy(driver);
    });

    const put = async (path: string, bytes: Uint8Array): Promise<void> => {
      const writer = await driver.writer(path);
      await writer.write(bytes.slice());
      await writer.commit();
    };
    const getText = async (path: string): Promise<string> => Buffer.from(await driver.read(path)).toString();

    describe("paths", () => {
      const bad = [
        "",
        "/",
        "a",
        "a/b",
        "/a/",
        "//a",
        "/a//b",
        "/a b",
        "/ä",
        "/a\n",
        "/a\0b",
        "/..",
        "/a/../b",
        "/a/.",
        "/./a",
      ];
      const calls: [string, (path: string) => Promise<unknown>][] = [
        ["read", (path) => driver.read(path)],
        ["write", (path) => driver.write(path, text("x"))],
        ["open", (path) => driver.open(path)],
        ["writer", (path) => driver.writer(path)],
        ["delete", (path) => driver.delete(path)],
        ["move from", (path) => driver.move(path, "/target")],
        ["move to", (path) => driver.move("/a", path)],
      ];
      it.each(calls)("%s refuses paths outside the grammar before it touches anything", async (_, call) => {
        for (const path of bad) await expectFault(call(path), "INVALID_PATH");
        expect((await driver.list("/")).names).toEqual([]);
      });
      it("stat and list refuse them too, but accept the root", async () => {
        for (const path of bad.filter((path) => path !== "/")) {
          await expectFault(driver.stat(path), "INVALID_PATH");
          await expectFault(driver.list(path), "INVALID_PATH");
        }
        await driver.write("/a", text("x"));
        expect(await driver.stat("/")).toMatchObject({ path: "/", isDirectory: true, size: 0 });
      });
      it("accepts every character of the grammar", async () => {
        const path = "/..a/b../...c/A-Z_0.9/-/_";
        await driver.write(path, text("x"));
        expect(await getText(path)).toBe("x");
      });
    });

    describe("a missing file", () => {
      it("is PATH_NOT_FOUND for every call", async () => {
        await expectFault(driver.read("/no"), "PATH_NOT_FOUND");
        await expectFault(driver.open("/no"), "PATH_NOT_FOUND");
        await expectFault(driver.stat("/no/no"), "PATH_NOT_FOUND");
        await expectFault(driver.list("/no"), "PATH_NOT_FOUND");
        await expectFault(driver.delete("/no"), "PATH_NOT_FOUND");
        await expectFault(driver.move("/no", "/other/place"), "PATH_NOT_FOUND");
        await expectFault(driver.move("/no", "/other"), "PATH_NOT_FOUND");
        await expectFault(driver.writer("/no", { append: true }), "PATH_NOT_FOUND");
        expect((await driver.list("/")).names).toEqual([]);
      });
      it("is not found below a file either", async () => {
        await driver.write("/file", text("x"));
        await expectFault(driver.read("/file/a"), "PATH_NOT_FOUND");
        await expectFault(driver.open("/file/a"), "PATH_NOT_FOUND");
        await expectFault(driver.stat("/file/a/b"), "PATH_NOT_FOUND");
        await expectFault(driver.list("/file/a"), "PATH_NOT_FOUND");
        await expectFault(driver.delete("/file/a"), "PATH_NOT_FOUND");
        await expectFault(driver.move("/file/a", "/b"), "PATH_NOT_FOUND");
        await expectFault(driver.list("/file"), "PATH_NOT_FOUND");
      });
      it("is not found if a directory is in its place", async () => {
        await driver.write("/d/file", text("x"));
        await expectFault(driver.read("/d"), "PATH_NOT_FOUND");
        await expectFault(driver.open("/d"), "PATH_NOT_FOUND");
      });
      if (onFiles)
        it("is a different error from a write that fails", async () => {
          await driver.write("/file", text("x"));
          await driver.write("/d/file", text("x"));
          await expectFault(driver.write("/file/a", text("y")), "DRIVER_ERROR");
          await expectFault(driver.writer("/file/a"), "DRIVER_ERROR");
          await expectFault(driver.move("/d/file", "/file/a/b"), "DRIVER_ERROR");
          await expectFault(driver.write("/d", text("y")), "DRIVER_ERROR");
          await expectFault(driver.writer("/d"), "DRIVER_ERROR");
          await expectFault(driver.move("/file", "/d"), "DRIVER_ERROR");
          expect(await getText("/file")).toBe("x");
        });
    });

    describe("read and write", () => {
      it("returns what was written, including empty files", async () => {
        for (const bytes of [text(""), text("hello"), randomBytes(100_000)]) {
          await driver.write("/a/b/c", bytes);
          expect(Buffer.compare(await driver.read("/a/b/c"), bytes)).toBe(0);
        }
      });
      it("doesn't hold on to the caller's bytes", async () => {
        const bytes = text("before");
        await driver.write("/a", bytes);
        bytes.fill(0);
        expect(await getText("/a")).toBe("before");
      });
      it("replaces files, and shows each new content immediately", async () => {
        for (let turn = 0; turn < 50; turn += 1) {
          await driver.write("/link", text(`content ${turn % 2}`));
          expect(await getText("/link")).toBe(`content ${turn % 2}`);
        }
      });
      it("refuses to fill memory with a file above the limit", async () => {
        await driver.write("/a", new Uint8Array(101));
        expect(await driver.read("/a", { limit: 101 })).toHaveLength(101);
        await expectFault(driver.read("/a", { limit: 100 }), "DRIVER_ERROR");
      });
      if (subject.inconsistent !== true)
        it("shows concurrent readers either content as a whole", async () => {
          const contents = ["a", "b"].map((letter) => letter.repeat(50_000));
          await driver.write("/shared", text("a".repeat(50_000)));
          let done = false;
          const writing = (async () => {
            for (let turn = 0; turn < 40; turn += 1) await driver.write("/shared", text(contents[turn % 2] ?? ""));
            done = true;
          })();
          const reading = [0, 1, 2].map(async () => {
            while (!done) {
              expect(contents).toContain(await getText("/shared"));
              expect(contents).toContain((await collectBytes(await driver.open("/shared"))).toString());
              // What a cache answers takes no turn of the event loop, without which the writer waits; a socket would take one.
              await nextTurn();
            }
          });
          await Promise.all([writing, ...reading]);
        });
      it("writes different paths concurrently", async () => {
        const paths = Array.from({ length: 60 }, (_, index) => `/many/${index % 7}/${index}`);
        await Promise.all(paths.map((path) => driver.write(path, text(path))));
        for (const path of paths) expect(await getText(path)).toBe(path);
      });
      it("creates parents that are removed concurrently", async () => {
        const turns = Array.from({ length: 20 }, async (_, index) => {
          await driver.write(`/fleeting/d/${index}`, text("x"));
          await driver.delete("/fleeting").catch((error: unknown) => {
            expect(error).toMatchObject({ code: "PATH_NOT_FOUND" });
          });
        });
        await Promise.all(turns);
      });
    });

    describe("stat", () => {
      it("tells files from directories, with sizes and times", async () => {
        const before = Date.now() - 5000;
        await driver.write("/d/file", text("12345"));
        const file = await driver.stat("/d/file", { durable: true });
        expect(file).toMatchObject({ path: "/d/file", size: 5, isDirectory: false });
        expect(file.modified.getTime()).toBeGreaterThan(before);
        expect(await driver.stat("/d")).toMatchObject({ path: "/d", size: 0, isDirectory: true });
      });
    });

    describe("open", () => {
      const bytes = randomBytes(3 * MIB + 12_345);
      const size = bytes.length;
      const ranges: [number | undefined, number | undefined][] = [
        [undefined, undefined],
        [0, undefined],
        [1, undefined],
        [size - 1, undefined],
        [size, undefined],
        [0, 0],
        [5, 5],
        [100, 99],
        [MIB - 1, MIB],
        [7, size - 1],
        [7, size + 1000],
        [undefined, 2 * MIB],
      ];
      it.each(ranges)("streams from %s to %s of a big file", async (start, end) => {
        await put("/big", bytes);
        const stream = await driver.open("/big", { start, end });
        expect(stream.size).toBe(size);
        expect(Buffer.compare(await collectBytes(stream), bytes.subarray(start ?? 0, (end ?? size) + 1))).toBe(0);
      });
      it("does the same for small and empty files", async () => {
        await driver.write("/small", text("0123456789"));
        expect((await collectBytes(await driver.open("/small", { start: 3, end: 5 }))).toString()).toBe("345");
        expect((await collectBytes(await driver.open("/small", { start: 10 }))).toString()).toBe("");
        await driver.write("/empty", text(""));
        const empty = await driver.open("/empty");
        expect(empty.size).toBe(0);
        expect(await collectBytes(empty)).toHaveLength(0);
      });
      it("refuses offsets outside the file", async () => {
        await put("/big", bytes);
        await driver.write("/small", text("0123456789"));
        for (const [path, start] of [
          ["/big", size + 1],
          ["/small", 11],
          ["/small", -1],
          ["/big", 0.5],
        ] as const) {
          await expectFault(driver.open(path, { start }), "INVALID_OFFSET");
        }
      });
      it("ends when the consumer stops, or when it is closed, any number of times", async () => {
        await put("/big", bytes);
        const left = await driver.open("/big");
        for await (const chunk of left) {
          expect(chunk.length).toBeGreaterThan(0);
          break;
        }
        expect(await collectBytes(left)).toHaveLength(0);
        const closed = await driver.open("/big");
        const iterator = closed[Symbol.asyncIterator]();
        await iterator.next();
        const waiting = iterator.next();
        await Promise.all([closed.close(), closed.close()]);
        await waiting;
        expect(await iterator.next()).toMatchObject({ done: true });
      });
      if (onFiles)
        it("keeps reading what it opened after the file was replaced, moved and deleted", async () => {
          await put("/big", bytes);
          const stream = await driver.open("/big");
          const iterator = stream[Symbol.asyncIterator]();
          const first = await iterator.next();
          const chunks = [Buffer.from(first.value ?? [])];
          await driver.move("/big", "/moved");
          await driver.write("/moved", text("other"));
          await driver.delete("/moved");
          for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
            chunks.push(Buffer.from(next.value));
          }
          expect(Buffer.compare(Buffer.concat(chunks), bytes)).toBe(0);
        });
      it("serves many readers of one file concurrently", async () => {
        await put("/big", bytes);
        const all = await Promise.all(Array.from({ length: 20 }, async () => collectBytes(await driver.open("/big"))));
        for (const copy of all) expect(Buffer.compare(copy, bytes)).toBe(0);
      });
    });

    describe("writer", () => {
      it(`writes, ${onFiles ? "closes" : "commits"}, appends, commits`, async () => {
        const parts = [randomBytes(10), randomBytes(6 * MIB), randomBytes(1), randomBytes(700_000)];
        const whole = Buffer.concat(parts);
        let size = 0;
        for (const [index, part] of parts.entries()) {
          const writer = await driver.writer("/u/data", { append: index > 0 });
          expect(writer.size).toBe(size);
          await writer.write(Buffer.from(part));
          size += part.length;
          expect(writer.size).toBe(size);
          if (onFiles && index < parts.length - 1) await writer.close();
          else await writer.commit();
          expect((await driver.stat("/u/data")).size).toBe(size);
        }
        expect(Buffer.compare(await collectBytes(await driver.open("/u/data")), whole)).toBe(0);
      });
      it("accepts very many tiny and empty chunks", async () => {
        const writer = await driver.writer("/tiny");
        for (let index = 0; index < 5000; index += 1) {
          await writer.write(text(String(index % 10)));
          await writer.write(text(""));
        }
        await writer.commit();
        expect(await getText("/tiny")).toBe("0123456789".repeat(500));
      });
      it("starts empty without append", async () => {
        await driver.write("/a", text("what was there"));
        const writer = await driver.writer("/a");
        expect(writer.size).toBe(0);
        await writer.commit();
        expect((await driver.stat("/a")).size).toBe(0);
      });
      it("refuses everything after its end", async () => {
        for (const end of ["close", "commit", "cancel"] as const) {
          const writer = await driver.writer(`/${end}`);
          await writer.write(text("x"));
          await writer[end]();
          await expectFault(writer.write(text("y")), "DRIVER_ERROR");
          if (end !== "commit") await expectFault(writer.commit(), "DRIVER_ERROR");
          await writer.close();
          if (end === "commit" || (onFiles && end === "close")) expect(await getText(`/${end}`)).toBe("x");
          else await expectFault(driver.stat(`/${end}`), "PATH_NOT_FOUND");
        }
        const twice = await driver.writer("/twice");
        await twice.commit();
        await expectFault(twice.commit(), "DRIVER_ERROR");
        await expectFault(twice.cancel(), "DRIVER_ERROR");
      });
      if (onFiles)
        it("discards everything on cancel, any number of times", async () => {
          const first = await driver.writer("/dir/gone");
          await first.write(randomBytes(2 * MIB));
          await first.close();
          const second = await driver.writer("/dir/gone", { append: true });
          await second.write(randomBytes(2 * MIB));
          await Promise.all([second.cancel(), second.cancel()]);
          await second.cancel();
          await expectFault(driver.stat("/dir/gone"), "PATH_NOT_FOUND");
        });
      if (!onFiles)
        it("changes nothing at the path before it commits, or when it is cancelled or closed", async () => {
          await driver.write("/dir/file", text("what was there"));
          for (const append of [false, true]) {
            for (const end of ["cancel", "close"] as const) {
              const writer = await driver.writer("/dir/file", { append });
              await writer.write(randomBytes(6 * MIB));
              expect(await getText("/dir/file")).toBe("what was there");
              await Promise.all([writer[end](), writer[end]()]);
              await writer[end]();
              expect(await getText("/dir/file")).toBe("what was there");
            }
          }
          const fresh = await driver.writer("/dir/fresh");
          await fresh.write(randomBytes(12 * MIB));
          await fresh.cancel();
          expect((await driver.list("/dir")).names).toEqual(["file"]);
        });
      if (onFiles)
        it("keeps writing to its file when that is moved", async () => {
          const writer = await driver.writer("/a/data");
          await writer.write(text("one "));
          await driver.move("/a/data", "/b/data");
          await writer.write(text("two"));
          await writer.close();
          expect(await getText("/b/data")).toBe("one two");
          await expectFault(driver.stat("/a/data"), "PATH_NOT_FOUND");
        });
    });

    describe("list", () => {
      const names = [
        "-",
        "..a",
        ".a",
        "0",
        "10",
        "9",
        "A",
        "Z",
        "_",
        "a",
        "a-b",
        "a.b",
        "a0",
        "aA",
        "a_b",
        "aa",
        "b..",
        "z",
      ];
      const ordered = [...names].sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
      it("is ordered by bytes, with files and directories mixed", async () => {
        await Promise.all(
          names.map((one, index) => driver.write(index % 2 === 0 ? `/d/${one}` : `/d/${one}/x`, text("x"))),
        );
        expect(await driver.list("/d")).toEqual({ names: ordered, more: false });
        expect((await driver.list("/")).names).toEqual(["d"]);
      });
      it("returns every name once, in pages of any size", async () => {
        await Promise.all(names.map((one) => driver.write(`/d/${one}`, text("x"))));
        for (const limit of [1, 2, 5, ordered.length, 100]) {
          const seen: string[] = [];
          for (let more = true; more;) {
            const page = await driver.list("/d", { limit, startAfter: seen.at(-1) });
            expect(page.names.length).toBeLessThanOrEqual(limit);
            seen.push(...page.names);
            more = page.more;
            expect(more).toBe(seen.length < ordered.length);
          }
          expect(seen).toEqual(ordered);
        }
      });
      it("can start after names that don't exist", async () => {
        for (const one of ["b", "d", "f"]) await driver.write(`/d/${one}`, text("x"));
        expect(await driver.list("/d", { startAfter: "a" })).toEqual({ names: ["b", "d", "f"], more: false });
        expect(await driver.list("/d", { startAfter: "c", limit: 1 })).toEqual({ names: ["d"], more: true });
        expect(await driver.list("/d", { startAfter: "f" })).toEqual({ names: [], more: false });
        expect(await driver.list("/d", { startAfter: "zzz", limit: 5 })).toEqual({ names: [], more: false });
        expect(await driver.list("/d", { limit: 0 })).toEqual({ names: [], more: true });
      });
      it("shows each change immediately", async () => {
        for (let index = 10; index < 60; index += 1) {
          await driver.write(`/d/${index}`, text("x"));
          if (index % 3 === 0) await driver.delete(`/d/${index}`);
          const expected = Array.from({ length: index - 9 }, (_, at) => at + 10).filter((at) => at % 3 !== 0);
          expect((await driver.list("/d")).names).toEqual(expected.map(String));
        }
      });
    });

    describe("move", () => {
      it("renames, replaces, and creates parents", async () => {
        await driver.write("/from", text("new"));
        await driver.write("/to/here", text("old"));
        await driver.move("/from", "/to/here");
        expect(await getText("/to/here")).toBe("new");
        await expectFault(driver.stat("/from"), "PATH_NOT_FOUND");
        await driver.move("/to/here", "/else/where/deep", { durable: false });
        expect(await getText("/else/where/deep")).toBe("new");
      });
      if (onFiles)
        it("lets exactly one of several concurrent moves win", async () => {
          for (let turn = 0; turn < 20; turn += 1) {
            await driver.write("/d/data", text("x"), { durable: false });
            const moves = Array.from({ length: 5 }, (_, index) =>
              driver.move("/d/data", `/d/data.${index}`, { durable: false }),
            );
            const results = await Promise.allSettled(moves);
            expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
            for (const result of results) {
              if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "PATH_NOT_FOUND" });
            }
            expect((await driver.list("/d")).names).toHaveLength(1);
            await driver.delete("/d");
          }
        });
    });

    describe("delete", () => {
      it("removes files and whole directories, and nothing else", async () => {
        for (const path of ["/a/b/c/1", "/a/b/c/2", "/a/b/3", "/a/bb", "/a/b-c/x"]) await driver.write(path, text("x"));
        await driver.delete("/a/b/3");
        await expectFault(driver.stat("/a/b/3"), "PATH_NOT_FOUND");
        await driver.delete("/a/b");
        await expectFault(driver.stat("/a/b/c/1"), "PATH_NOT_FOUND");
        expect((await driver.list("/a")).names).toEqual(["b-c", "bb"]);
        await driver.write("/a/b/c/1", text("again"));
        expect(await getText("/a/b/c/1")).toBe("again");
      });
    });

    describe("renewing", () => {
      /** Skipped for drivers without real files. */
      const touching = () => (canTouch(driver) ? driver : undefined);

      it("renews a file's time and nothing else", async () => {
        const files = touching();
        if (files === undefined) return;
        await files.write("/a/f", text("bytes"));
        const before = await files.stat("/a/f");
        await expect.poll(() => Date.now()).toBeGreaterThan(before.modified.getTime() + 20);
        await files.touch("/a/f");
        const after = await files.stat("/a/f");
        expect(after.modified.getTime()).toBeGreaterThan(before.modified.getTime());
        expect(after.modified.getTime()).toBeLessThanOrEqual(Date.now());
        expect(await getText("/a/f")).toBe("bytes");
      });

      it("keeps that time when the file is moved", async () => {
        const files = touching();
        if (files === undefined) return;
        await files.write("/a/f", text("bytes"));
        await files.touch("/a/f");
        const { modified } = await files.stat("/a/f");
        await files.move("/a/f", "/a/f.moved");
        expect((await files.stat("/a/f.moved")).modified).toEqual(modified);
        await expectFault(files.touch("/a/f"), "PATH_NOT_FOUND");
      });

      it("doesn't renew what doesn't exist", async () => {
        const files = touching();
        if (files === undefined) return;
        await expectFault(files.touch("/a/f"), "PATH_NOT_FOUND");
        await expectFault(files.touch("no path"), "INVALID_PATH");
      });

      it("moves a file into an existing directory, and creates none", async () => {
        const files = touching();
        if (files === undefined) return;
        await files.write("/a/f", text("bytes"));
        await expectFault(files.moveInto("/a/f", "/b/f"), "PATH_NOT_FOUND");
        expect(await getText("/a/f")).toBe("bytes");
        await files.write("/b/g", text("other"));
        await files.moveInto("/a/f", "/b/f");
        expect(await getText("/b/f")).toBe("bytes");
        await expectFault(files.moveInto("/a/f", "/b/f"), "PATH_NOT_FOUND");
        await expectFault(files.moveInto("no path", "/b/f"), "INVALID_PATH");
      });

      it("removes a directory only while it is empty", async () => {
        const files = touching();
        if (files === undefined) return;
        await files.write("/a/b/f", text("bytes"));
        expect(await files.prune("/a/b")).toBe(false);
        expect(await getText("/a/b/f")).toBe("bytes");
        await files.delete("/a/b/f");
        expect(await files.prune("/a/b")).toBe(true);
        expect(await files.prune("/a/b")).toBe(false);
        expect((await files.list("/a")).names).toEqual([]);
        await files.write("/a/b/g", text("again"));
        expect(await getText("/a/b/g")).toBe("again");
      });
    });

    describe("signals", () => {
      const reason = new Error("the client went away");
      it("that are aborted end every call with their reason", async () => {
        await driver.write("/a", text("x"));
        const signal = AbortSignal.abort(reason);
        const writer = await driver.writer("/w");
        const calls = [
          driver.read("/a", { signal }),
          driver.write("/b", text("x"), { signal }),
          driver.stat("/a", { signal }),
          driver.open("/a", { signal }),
          driver.writer("/c", { signal }),
          driver.list("/", { signal }),
          driver.move("/a", "/d", { signal }),
          driver.delete("/a", { signal }),
          writer.write(text("x"), { signal }),
          writer.close({ signal }),
          writer.commit({ signal }),
          writer.cancel({ signal }),
        ];
        for (const result of await Promise.allSettled(calls)) expect(result).toEqual({ status: "rejected", reason });
        await writer.close();
        expect((await driver.list("/")).names).toEqual(onFiles ? ["a", "w"] : ["a"]);
      });
      it("that abort while a stream is read end it with their reason", async () => {
        await put("/big", randomBytes(4 * MIB));
        const controller = new AbortController();
        const stream = await driver.open("/big", { signal: controller.signal });
        const iterator = stream[Symbol.asyncIterator]();
        expect((await iterator.next()).done).toBe(false);
        controller.abort(reason);
        await expect(iterator.next()).rejects.toBe(reason);
        expect((await iterator.next()).done).toBe(true);
      });
    });

    it("can be closed twice", async () => {
      await driver.close();
      await driver.close();
    });
  });
}
