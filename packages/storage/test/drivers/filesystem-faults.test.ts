import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { collectBytes } from "@longshore/testkit/streams";
import { canTouch, type StorageDriver } from "../../src/contract/driver.js";
import type { FileCalls } from "../../src/drivers/filesystem/calls.js";
import { createFilesystemDriver } from "../../src/drivers/filesystem/driver.js";
import type { FilesystemOptions } from "../../src/drivers/filesystem/options.js";
import { expectFault } from "../contract/driver-contract.js";
import { observe, systemError, type ObservedCalls } from "./faulty-calls.js";

const MIB = 1024 * 1024;
const text = (value: string): Buffer => Buffer.from(value);

describe("the filesystem driver", () => {
  let root: string;
  let remove: () => Promise<void>;
  const drivers: StorageDriver[] = [];
  beforeEach(async () => {
    ({ path: root, remove } = await makeTemporaryFolder("storage"));
  });
  afterEach(async () => {
    await Promise.all(drivers.splice(0).map((driver) => driver.close()));
    await remove();
  });

  const start = (
    faults?: (real: FileCalls) => Partial<FileCalls>,
    { ahead = 0, ...options }: Partial<FilesystemOptions> & { ahead?: number } = {},
  ): ObservedCalls & { readonly driver: StorageDriver } => {
    const observed = observe(root, faults);
    const driver = createFilesystemDriver(
      { rootdirectory: root, ...options },
      { calls: observed.calls, now: () => Date.now() + ahead },
    );
    drivers.push(driver);
    // Not spread: `open` is a getter for the current state.
    return Object.assign(Object.create(observed) as ObservedCalls, { driver });
  };

  describe("what it syncs", () => {
    it("a write: the bytes before the rename, then its directory, and the parent of each new directory", async () => {
      const { driver, log } = start();
      await driver.write("/a/b/link", text("x"));
      const rename = log.indexOf("rename /a/b/link.ID.tmp /a/b/link");
      expect(log.indexOf("fdatasync /a/b/link.ID.tmp")).toBeGreaterThanOrEqual(0);
      expect(log.indexOf("fdatasync /a/b/link.ID.tmp")).toBeLessThan(rename);
      expect(log.indexOf("fsync /a/b")).toBeGreaterThan(rename);
      expect(log).toContain("fsync /a");
      expect(log).toContain("fsync ");
      log.length = 0;
      await driver.write("/a/b/other", text("x"));
      expect(log.filter((line) => line.startsWith("fsync"))).toEqual(["fsync /a/b"]);
    });
    it("a move: the target's directory after the rename, and the new ones above it", async () => {
      const { driver, log } = start();
      await driver.write("/data", text("x"), { durable: false });
      expect(log.some((line) => line.includes("sync"))).toBe(false);
      await driver.move("/data", "/blobs/ab/data");
      const rename = log.indexOf("rename /data /blobs/ab/data");
      expect(log.indexOf("fsync /blobs/ab")).toBeGreaterThan(rename);
      expect(log).toContain("fsync /blobs");
      expect(log).toContain("fsync ");
    });
    it("nothing for a move that need not be durable", async () => {
      const { driver, log } = start();
      await driver.write("/data", text("x"), { durable: false });
      await driver.move("/data", "/data.claim", { durable: false });
      expect(log.filter((line) => line.includes("sync"))).toEqual([]);
    });
    it("a writer's bytes when it closes", async () => {
      const { driver, log } = start();
      const writer = await driver.writer("/u/data");
      await writer.write(text("x"));
      await writer.close();
      expect(log).toEqual(["write /u/data", "fdatasync /u/data"]);
    });
    it("a large file while it arrives, so that little remains at the end", async () => {
      const { driver, log } = start();
      const writer = await driver.writer("/data");
      for (let written = 0; written < 40; written += 1) await writer.write(Buffer.alloc(MIB));
      await vi.waitUntil(() => log.includes("fdatasync /data"));
      await writer.commit();
      expect(log.filter((line) => line === "fdatasync /data")).toHaveLength(2);
    });
    it("a directory again after it has been deleted", async () => {
      const { driver, log } = start();
      await driver.write("/a/b/link", text("x"));
      await driver.delete("/a/b");
      log.length = 0;
      await driver.write("/a/b/link", text("x"));
      expect(log).toContain("fsync /a");
    });
    it("every directory that it recreates after another process has deleted it", async () => {
      const { driver, log } = start();
      await driver.write("/tags/v1/current/link", text("x"));
      await start().driver.delete("/tags/v1");
      log.length = 0;
      await driver.write("/tags/v1/current/link", text("x"));
      expect(log).toEqual(expect.arrayContaining(["fsync /tags", "fsync /tags/v1", "fsync /tags/v1/current"]));
    });
    it("every directory that another process has recreated and not yet synced", async () => {
      const { driver, log } = start();
      await driver.write("/tags/v1/current/link", text("x"));
      const other = start().driver;
      await other.delete("/tags/v1");
      await other.write("/tags/v1/current/link", text("y"), { durable: false });
      log.length = 0;
      await driver.write("/tags/v1/current/link", text("x"));
      expect(log).toEqual(expect.arrayContaining(["fsync /tags", "fsync /tags/v1", "fsync /tags/v1/current"]));
    });
    it("the root's own entry and those above it, whichever process created them", async () => {
      const opened: string[] = [];
      const nested = join(root, "srv", "registry");
      const faults = (real: FileCalls): Partial<FileCalls> => ({
        open: async (path, flags) => {
          opened.push(path);
          return real.open(path, flags);
        },
        openNow: (path) => {
          opened.push(path);
          return real.openNow(path);
        },
      });
      for (const made of ["by itself", "before"]) {
        opened.length = 0;
        const observed = observe(nested, faults);
        const driver = createFilesystemDriver({ rootdirectory: nested }, { calls: observed.calls });
        drivers.push(driver);
        await driver.write(`/${made.replace(" ", "-")}`, text("x"));
        expect(opened).toEqual(expect.arrayContaining([nested, join(root, "srv"), root]));
      }
    });
    it("on request, existing bytes that another process may not have synced", async () => {
      const { driver, log } = start();
      await driver.write("/a/link", text("x"), { durable: false });
      await driver.read("/a/link", { durable: true });
      expect(log).toEqual(expect.arrayContaining(["fdatasync /a/link", "fsync /a", "fsync "]));
      log.length = 0;
      await driver.stat("/a/link", { durable: true });
      expect(log).toEqual(expect.arrayContaining(["fdatasync /a/link", "fsync /a"]));
    });
    it("again for a rename after a sync has begun", async () => {
      let release = (): void => undefined;
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      let holding = false;
      const { driver, log } = start((real) => ({
        fsync: async (fd) => {
          if (holding) await held;
          await real.fsync(fd);
        },
      }));
      await driver.write("/d/known", text("x"));
      holding = true;
      log.length = 0;
      const first = driver.move("/d/known", "/d/first");
      await vi.waitUntil(() => log.includes("rename /d/known /d/first"));
      const second = driver.write("/d/second", text("x"));
      await vi.waitUntil(() => log.includes("rename /d/second.ID.tmp /d/second"));
      release();
      await Promise.all([first, second]);
      expect(log.filter((line) => line === "fsync /d")).toHaveLength(2);
    });
    it("once for all callers that arrive while a sync is pending", async () => {
      const { driver, log } = start();
      await driver.write("/d/first", text("x"));
      log.length = 0;
      await Promise.all(Array.from({ length: 50 }, (_, index) => driver.write(`/d/${index}`, text("x"))));
      const syncs = log.filter((line) => line === "fsync /d").length;
      expect(syncs).toBeGreaterThan(0);
      expect(syncs).toBeLessThan(50);
      // Every rename is followed by a sync of its directory that began later.
      expect(log.lastIndexOf("fsync /d")).toBe(log.length - 1);
    });
  });

  describe("when the disk fails", () => {
    it.each(["EIO", "EACCES", "ENAMETOOLONG", "ESTALE"])("%s is never reported as not found", async (code) => {
      const fail = (): Promise<never> => Promise.reject(systemError(code));
      const { driver } = start(() => ({ stat: fail, open: fail, rename: fail, unlink: fail, readdir: fail }));
      const works: Promise<unknown>[] = [
        driver.read("/a"),
        driver.stat("/a"),
        driver.open("/a"),
        driver.list("/"),
        driver.writer("/a", { append: true }),
        driver.write("/a", text("x")),
        driver.move("/a", "/b"),
        driver.delete("/a"),
      ];
      await Promise.all(
        works.map((work) => expect(work).rejects.toMatchObject({ fault: { code: "DRIVER_ERROR" }, cause: { code } })),
      );
    });
    it.each([
      ["ENOSPC", "full"],
      ["EDQUOT", "quota"],
      ["EROFS", "read-only"],
      ["EACCES", "denied"],
      ["EPERM", "denied"],
    ])("%s reports the obstacle: %s", async (code, obstacle) => {
      const fail = (): Promise<never> => Promise.reject(systemError(code));
      const { driver } = start(() => ({ open: fail, mkdir: fail, writev: fail, rename: fail }));
      const fault = { code: "DRIVER_ERROR", obstacle };
      await expect(driver.write("/a", text("x"))).rejects.toMatchObject({ fault });
      await expect(driver.move("/a", "/b")).rejects.toMatchObject({ fault });
      await expect(driver.writer("/a")).rejects.toMatchObject({ fault });
    });
    it("reveals no local paths to clients", async () => {
      const { driver } = start(() => ({ stat: () => Promise.reject(systemError("EIO")) }));
      await expect(driver.stat("/a")).rejects.toThrow("filesystem: stat failed");
    });
    it("continues after a short write", async () => {
      const short = (real: FileCalls): Partial<FileCalls> => ({
        writev: (fd, buffers, position) => {
          const first = buffers.find((buffer) => buffer.length > 0) ?? new Uint8Array(0);
          return real.writev(fd, [first.subarray(0, Math.ceil(first.length / 3))], position);
        },
      });
      const { driver } = start(short);
      const bytes = randomBytes(3 * MIB);
      const writer = await driver.writer("/data");
      for (let at = 0; at < bytes.length; at += 70_000)
        await writer.write(Buffer.from(bytes.subarray(at, at + 70_000)));
      await writer.commit();
      await driver.write("/small", bytes.subarray(0, 1000));
      expect(Buffer.compare(await readFile(`${root}/data`), bytes)).toBe(0);
      expect(Buffer.compare(await readFile(`${root}/small`), bytes.subarray(0, 1000))).toBe(0);
    });
    it("fails the write on a full disk, and leaves no descriptor or temporary file", async () => {
      let room = 2;
      const full = (real: FileCalls): Partial<FileCalls> => ({
        writev: (fd, buffers, position) =>
          room-- > 0 ? real.writev(fd, buffers, position) : Promise.reject(systemError("ENOSPC")),
      });
      const started = start(full, { buffersize: 64 * 1024 });
      const { driver } = started;
      const writer = await driver.writer("/data");
      const writing = (async () => {
        for (let index = 0; index < 20; index += 1) await writer.write(Buffer.alloc(64 * 1024));
        await writer.commit();
      })();
      await expect(writing).rejects.toMatchObject({ fault: { code: "DRIVER_ERROR" }, cause: { code: "ENOSPC" } });
      await writer.close().catch(() => undefined);
      await expect(driver.write("/link", text("x"))).rejects.toMatchObject({ cause: { code: "ENOSPC" } });
      expect(started.open.size).toBe(0);
      expect(await readdir(root)).toEqual(["data"]);
    });
    it("fails the commit if a sync fails, and closes the file", async () => {
      const started = start(() => ({ fdatasync: () => Promise.reject(systemError("EIO")) }));
      const writer = await started.driver.writer("/data");
      await writer.write(text("x"));
      await expectFault(writer.commit(), "DRIVER_ERROR");
      await expectFault(started.driver.write("/link", text("x")), "DRIVER_ERROR");
      expect(started.open.size).toBe(0);
      await expectFault(started.driver.stat("/link"), "PATH_NOT_FOUND");
    });
    it("fails the commit if only an early sync reported a lost write", async () => {
      let syncs = 0;
      const { driver, open } = start((real) => ({
        fdatasync: (fd) => ((syncs += 1) === 1 ? Promise.reject(systemError("EIO")) : real.fdatasync(fd)),
      }));
      const writer = await driver.writer("/data");
      for (let written = 0; written < 32; written += 1) await writer.write(Buffer.alloc(MIB));
      await expectFault(writer.commit(), "DRIVER_ERROR");
      expect(syncs).toBe(1);
      expect(open.size).toBe(0);
    });
    it("waits for a descriptor when the process has none left", async () => {
      let left = 3;
      const scarce = (real: FileCalls): Partial<FileCalls> => ({
        open: async (path, flags) => {
          if (left === 0) throw systemError("EMFILE");
          left -= 1;
          try {
            return await real.open(path, flags);
          } catch (error) {
            left += 1;
            throw error;
          }
        },
        close: async (fd) => {
          left += 1;
          await real.close(fd);
        },
      });
      const started = start(scarce);
      const { driver } = started;
      await Promise.all(Array.from({ length: 40 }, (_, index) => driver.write(`/d/${index}`, text("x"))));
      expect((await driver.list("/d")).names).toHaveLength(40);
      expect(started.open.size).toBe(0);
      left = 0;
      await expect(driver.write("/none", text("x"))).rejects.toMatchObject({ cause: { code: "EMFILE" } });
    });
    it("waits for the descriptor of a directory that is being synced", async () => {
      const held = gate();
      const syncing = gate();
      const refused = gate();
      let isWarm = false;
      let left = 1;
      const started = start((real) => ({
        fileSystemType: () => Promise.resolve(0xef53),
        open: async (path, flags) => {
          if (left <= 0) {
            if (isWarm) refused.pass();
            throw systemError("EMFILE");
          }
          const fd = await real.open(path, flags);
          left -= 1;
          return fd;
        },
        close: async (fd) => {
          await real.close(fd);
          left += 1;
        },
        openNow: (path) => {
          const fd = left > 0 ? real.openNow(path) : undefined;
          if (fd === undefined) return undefined;
          left -= 1;
          if (isWarm) syncing.pass();
          return fd;
        },
        closeNow: (fd) => {
          real.closeNow(fd);
          left += 1;
        },
        fsync: async (fd) => {
          if (isWarm) await held.passed;
          await real.fsync(fd);
        },
      }));
      const { driver } = started;
      await driver.write("/d/0", text("x"));
      isWarm = true;
      const first = driver.write("/d/1", text("x"));
      await syncing.passed;
      const second = driver.write("/d/2", text("x"));
      await Promise.race([refused.passed, second]);
      held.pass();
      await Promise.all([first, second]);
      expect(started.open.size).toBe(0);
    });
    it("detects a file that is truncated while it is read", async () => {
      await writeFile(`${root}/big`, Buffer.alloc(MIB));
      const started = start((real) => ({
        read: (fd, buffer, offset, length, position) =>
          position + offset >= MIB / 2
            ? Promise.resolve(0)
            : real.read(fd, buffer, offset, Math.min(length, 1000), position),
      }));
      await expectFault(collectBytes(await started.driver.open("/big")), "DRIVER_ERROR");
      expect(started.open.size).toBe(0);
    });
  });

  describe("when the caller gives up", () => {
    it("ends the wait immediately and releases late results", async () => {
      let go = (): void => undefined;
      const held = new Promise<void>((resolve) => {
        go = resolve;
      });
      const slow = (real: FileCalls): Partial<FileCalls> => ({
        fdatasync: async (fd) => held.then(() => real.fdatasync(fd)),
        fstat: async (fd) => held.then(() => real.fstat(fd)),
      });
      await writeFile(`${root}/big`, Buffer.alloc(MIB));
      const started = start(slow);
      const controller = new AbortController();
      const reason = new Error("gave up");
      const waits = [
        started.driver.write("/link", text("x"), controller),
        started.driver.open("/big", controller),
        started.driver.writer("/big", { append: true, signal: controller.signal }),
      ];
      const settled = Promise.allSettled(waits);
      controller.abort(reason);
      for (const result of await settled) expect(result).toEqual({ status: "rejected", reason });
      go();
      await started.driver.close();
      expect(started.open.size).toBe(0);
      expect(await readdir(root)).toEqual(["big"]);
    });
    it("leaves the queue of a busy driver", async () => {
      let go = (): void => undefined;
      const held = new Promise<void>((resolve) => {
        go = resolve;
      });
      const { driver } = start((real) => ({ stat: async (path) => held.then(() => real.stat(path)) }), {
        maxthreads: 25,
      });
      const busy = Array.from({ length: 25 }, () => driver.stat("/"));
      const controller = new AbortController();
      const waiting = driver.stat("/", controller);
      const reason = new Error("gave up");
      controller.abort(reason);
      await expect(waiting).rejects.toBe(reason);
      go();
      await Promise.all(busy);
      expect((await driver.stat("/")).isDirectory).toBe(true);
    });
    it("releases the buffers and the descriptor of a stream that is abandoned in the middle of a read", async () => {
      await writeFile(`${root}/big`, Buffer.alloc(4 * MIB, 7));
      const started = start(undefined, { buffersize: 64 * 1024 });
      for (let turn = 0; turn < 20; turn += 1) {
        const stream = await started.driver.open("/big");
        const iterator = stream[Symbol.asyncIterator]();
        await iterator.next();
        const waiting = iterator.next();
        await stream.close();
        await waiting;
      }
      expect(started.open.size).toBe(0);
    });
  });

  describe("what it caches", () => {
    it("reads a settled file once, and notices every change to it", async () => {
      const { driver, log } = start((real) => ({ read: async (...call) => (log.push("read"), real.read(...call)) }), {
        ahead: 60_000,
      });
      await driver.write("/link", text("one"));
      log.length = 0;
      for (let turn = 0; turn < 3; turn += 1) expect(Buffer.from(await driver.read("/link")).toString()).toBe("one");
      expect(log).toEqual(["read"]);
      await writeFile(`${root}/link`, "two");
      expect(Buffer.from(await driver.read("/link")).toString()).toBe("two");
      await expectFault(driver.read("/link", { limit: 2 }), "DRIVER_ERROR");
    });
    it("caches nothing that changed within the clock's resolution", async () => {
      const { driver, log } = start((real) => ({ read: async (...call) => (log.push("read"), real.read(...call)) }));
      await driver.write("/link", text("one"));
      log.length = 0;
      await driver.read("/link");
      await driver.read("/link");
      expect(log).toEqual(["read", "read"]);
    });
    it("lists a settled directory once, and notices every change to it", async () => {
      const { driver, log } = start(
        (real) => ({ readdir: async (path) => (log.push("readdir"), real.readdir(path)) }),
        {
          ahead: 60_000,
        },
      );
      for (const name of ["a", "b"]) await mkdir(`${root}/d/${name}`, { recursive: true });
      for (let turn = 0; turn < 3; turn += 1) expect((await driver.list("/d")).names).toEqual(["a", "b"]);
      expect(log).toEqual(["readdir"]);
      await mkdir(`${root}/d/c`);
      expect((await driver.list("/d")).names).toEqual(["a", "b", "c"]);
      await utimes(`${root}/d`, 1, 1);
      expect((await driver.list("/d")).names).toEqual(["a", "b", "c"]);
    });
  });

  it("never sets a time that is in the future by the file system's clock, however long a call waits", async () => {
    let calls = 0;
    const { driver } = start(
      (real) => ({
        utimes: async (path, time) => {
          calls += 1;
          const asked = Date.now();
          if (calls === 1) await expect.poll(() => Date.now()).toBeGreaterThan(asked + 50);
          await real.utimes(path, time);
        },
      }),
      { ahead: 24 * 60 * 60 * 1000 },
    );
    if (!canTouch(driver)) throw new Error("the filesystem driver has lost touch()");
    await driver.write("/a", text("x"));
    await driver.touch("/a");
    expect((await driver.stat("/a")).modified.getTime()).toBeLessThanOrEqual(Date.now());
  });

  it("hides leftovers of unfinished writes, and names that no path can have", async () => {
    const id = "0198d2a4-0000-7000-8000-000000000000";
    await mkdir(`${root}/d/v1.${id}.tmp`, { recursive: true });
    for (const name of [`link.${id}.tmp`, "a b", "ä", "plain.tmp", "ok"]) await writeFile(`${root}/d/${name}`, "x");
    const { driver } = start();
    expect((await driver.list("/d")).names).toEqual(["ok", "plain.tmp", `v1.${id}.tmp`]);
    await driver.delete("/d");
    expect(await readdir(root)).toEqual([]);
  });

  it("finds nothing in a loop of symbolic links, and everything beside it", async () => {
    const { driver } = start();
    await driver.write("/d/file", text("x"));
    await symlink("loop", `${root}/d/loop`);
    expect((await driver.list("/d")).names).toEqual(["file", "loop"]);
    await expectFault(driver.list("/d/loop"), "PATH_NOT_FOUND");
    await expectFault(driver.stat("/d/loop/link"), "PATH_NOT_FOUND");
    await expectFault(driver.write("/d/loop/link", text("x")), "DRIVER_ERROR");
    await driver.delete("/d");
    expect(await readdir(root)).toEqual([]);
  });

  it("replaces an empty directory by a file, but no other directory", async () => {
    const { driver } = start();
    await mkdir(`${root}/a/link`, { recursive: true });
    await driver.write("/a/link", text("x"));
    await mkdir(`${root}/a/data`);
    await driver.move("/a/link", "/a/data");
    expect(await readFile(`${root}/a/data`, "utf8")).toBe("x");
    await driver.write("/a/full/inside", text("x"));
    await expectFault(driver.write("/a/full", text("x")), "DRIVER_ERROR");
    expect(await readFile(`${root}/a/full/inside`, "utf8")).toBe("x");
    expect(await readdir(`${root}/a`)).toEqual(["data", "full"]);
  });

  it("follows symbolic links, and deletes the link, not its target", async () => {
    await mkdir(`${root}/elsewhere/d`, { recursive: true });
    await symlink(`${root}/elsewhere`, `${root}/linked`);
    const { driver } = start();
    await driver.write("/linked/d/file", text("x"));
    expect(await readFile(`${root}/elsewhere/d/file`, "utf8")).toBe("x");
    expect((await driver.list("/linked")).names).toEqual(["d"]);
    await driver.delete("/linked");
    expect(await readFile(`${root}/elsewhere/d/file`, "utf8")).toBe("x");
  });
});

/** Something to wait for. */
function gate(): { readonly passed: Promise<void>; readonly pass: () => void } {
  let pass = (): void => undefined;
  const passed = new Promise<void>((resolve) => (pass = resolve));
  return { passed, pass: () => pass() };
}
