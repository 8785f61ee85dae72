import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { collectBytes } from "@longshore/testkit/streams";
import type { StorageDriver } from "../../src/contract/driver.js";
import type { ObjectStorage, SourceFile } from "../../src/contract/object-storage.js";
import { expectFault } from "./driver-contract.js";

type ObjectDriver = StorageDriver & ObjectStorage;

/** How the suite opens and releases a driver over empty object storage. */
export interface ObjectStorageSubject {
  readonly create: () => Promise<ObjectDriver>;
  readonly destroy: (driver: ObjectDriver) => Promise<void>;
  /** Whether it honours conditional writes. */
  readonly conditionalWrites: boolean;
}

/** What every driver over object storage does beyond the driver contract (contract/object-storage.ts). */
export function objectStorageContract(name: string, subject: ObjectStorageSubject): void {
  describe(`${name}: the object storage contract`, () => {
    let driver: ObjectDriver;
    beforeEach(async () => {
      driver = await subject.create();
    });
    afterEach(() => subject.destroy(driver));

    const text = (value: string): Uint8Array => new TextEncoder().encode(value);
    const put = async (path: string, bytes: Uint8Array): Promise<SourceFile> => {
      const writer = await driver.writer(path);
      await writer.write(bytes.slice());
      await writer.commit();
      return { path, size: bytes.length };
    };
    const expectBytes = async (path: string, bytes: Uint8Array): Promise<void> => {
      expect(Buffer.compare(await collectBytes(await driver.open(path)), bytes)).toBe(0);
    };
    const later = (): Date => new Date(Date.now() + 60 * 60 * 1000);

    describe("compose", () => {
      it("copies one source, replacing what exists", async () => {
        for (const size of [0, 1, 100_000, driver.smallestPart, driver.smallestPart * 2 + 1]) {
          const bytes = randomBytes(size);
          await driver.compose([await put("/u/one", bytes)], "/blobs/data");
          await expectBytes("/blobs/data", bytes);
          await expectBytes("/u/one", bytes);
        }
      });
      it("joins several in order, including a small or an empty last one", async () => {
        const sizes = [driver.smallestPart, driver.smallestPart * 2 + 1, driver.smallestPart + 7];
        const bytes = sizes.map((size) => randomBytes(size));
        const sources = await Promise.all(bytes.map((one, index) => put(`/u/${index}`, one)));
        for (const last of [randomBytes(1), randomBytes(0)]) {
          await driver.compose([...sources, await put("/u/last", last)], "/blobs/data");
          await expectBytes("/blobs/data", Buffer.concat([...bytes, last]));
        }
        expect((await driver.stat("/blobs/data")).size).toBe(sizes.reduce((sum, size) => sum + size));
      });
      it("changes nothing if it fails", async () => {
        await driver.write("/blobs/data", text("what was there"));
        const large = await put("/u/large", randomBytes(driver.smallestPart));
        const small = await put("/u/small", randomBytes(Math.max(1, driver.smallestPart - 1)));
        const missing = { path: "/u/missing", size: driver.smallestPart };
        await expectFault(driver.compose([missing], "/blobs/data"), "PATH_NOT_FOUND");
        await expectFault(driver.compose([large, missing, small], "/blobs/data"), "PATH_NOT_FOUND");
        await expectFault(driver.compose([large, { path: "/u/missing", size: 0 }], "/blobs/data"), "PATH_NOT_FOUND");
        if (driver.smallestPart > 1) {
          await expectFault(driver.compose([small, large], "/blobs/data"), "DRIVER_ERROR");
        }
        await expectFault(driver.compose([{ path: "bad path", size: 1 }], "/blobs/data"), "INVALID_PATH");
        await expectFault(driver.compose([large], "bad path"), "INVALID_PATH");
        await expectBytes("/blobs/data", text("what was there"));
        expect(await driver.abortUnfinished("/", later())).toEqual({ aborted: 0 });
      });
      it("ends with the signal's reason", async () => {
        const reason = new Error("enough");
        const source = await put("/u/one", randomBytes(driver.smallestPart));
        const signal = AbortSignal.abort(reason);
        await expect(driver.compose([source, source], "/blobs/data", { signal })).rejects.toBe(reason);
        await expectFault(driver.stat("/blobs/data"), "PATH_NOT_FOUND");
      });
    });

    describe("versions", () => {
      it("differ between contents", async () => {
        await expectFault(driver.readVersioned("/state"), "PATH_NOT_FOUND");
        await driver.write("/state", text("one"));
        const one = await driver.readVersioned("/state");
        expect(Buffer.from(one.bytes).toString()).toBe("one");
        expect((await driver.stat("/state", { fileOnly: true })).version).toBe(one.version);
        await driver.write("/state", text("two"));
        expect((await driver.readVersioned("/state")).version).not.toBe(one.version);
        await expectFault(driver.readVersioned("/state", { limit: 2 }), "DRIVER_ERROR");
      });
      it("allow a write where nothing exists, and over the known version", async () => {
        expect(await driver.writeVersioned("/state", text("one"), undefined)).toEqual({ written: true });
        const { version } = await driver.readVersioned("/state");
        expect(await driver.writeVersioned("/state", text("two"), version)).toEqual({ written: true });
        expect(Buffer.from(await driver.read("/state")).toString()).toBe("two");
      });
      if (subject.conditionalWrites) {
        it("refuse a write over another version, over a missing file, or over an existing one", async () => {
          await driver.write("/state", text("one"));
          const { version } = await driver.readVersioned("/state");
          await driver.write("/state", text("two"));
          expect(await driver.writeVersioned("/state", text("three"), version)).toEqual({ written: false });
          expect(await driver.writeVersioned("/state", text("three"), undefined)).toEqual({ written: false });
          expect(await driver.writeVersioned("/other", text("three"), version)).toEqual({ written: false });
          expect(Buffer.from(await driver.read("/state")).toString()).toBe("two");
        });
        it("let one of several writers win", async () => {
          await driver.write("/state", text("one"));
          const { version } = await driver.readVersioned("/state");
          const writes = Array.from({ length: 5 }, (_, at) =>
            driver.writeVersioned("/state", text(`by ${at}`), version),
          );
          expect((await Promise.all(writes)).filter(({ written }) => written)).toHaveLength(1);
        });
      }
    });

    it("removes files, whether or not they exist, and nothing below or beside them", async () => {
      const paths = Array.from({ length: 30 }, (_, index) => `/d/${index}`);
      for (const path of paths) await driver.write(path, text("x"));
      await driver.write("/d/3/below", text("x"));
      await driver.write("/d/33", text("x"));
      await driver.deleteFiles([...paths, "/never/there"]);
      expect((await driver.list("/d")).names).toEqual(["3", "33"]);
      await driver.deleteFiles(["/d/33"]);
      await driver.deleteFiles(["/d/33"]);
      await driver.deleteFiles([]);
      await driver.delete("/d/33", { fileOnly: true });
      await expectFault(driver.deleteFiles(["/d/3/below", "bad path"]), "INVALID_PATH");
      expect((await driver.list("/d/3")).names).toEqual(["below"]);
    });

    it("accepts a file with others below it", async () => {
      await driver.write("/a", text("file"));
      await driver.write("/a/b", text("below"));
      expect(await driver.stat("/a")).toMatchObject({ isDirectory: false, size: 4 });
      expect((await driver.list("/a")).names).toEqual(["b"]);
      expect((await driver.list("/")).names).toEqual(["a"]);
      await expectFault(driver.stat("/a/b/c", { fileOnly: true }), "PATH_NOT_FOUND");
    });

    it("finds and aborts unfinished writes, by path and start time", async () => {
      const writer = await driver.writer("/u/1/data");
      // Twice what any driver buffers before it begins a multipart upload.
      for (let written = 0; written < 12; written += 1) await writer.write(randomBytes(2 * 1024 * 1024));
      const before = new Date(Date.now() - 60 * 60 * 1000);
      expect(await driver.abortUnfinished("/u", before)).toEqual({ aborted: 0 });
      expect(await driver.abortUnfinished("/u/10", later())).toEqual({ aborted: 0 });
      await expect.poll(() => driver.abortUnfinished("/u", later(), { dryRun: true })).toEqual({ aborted: 1 });
      expect(await driver.abortUnfinished("/u", later())).toEqual({ aborted: 1 });
      // On Azure, what the writer was sending meanwhile is an unfinished write again.
      await expect.poll(() => driver.abortUnfinished("/u", later())).toEqual({ aborted: 0 });
      await expect(writer.commit()).rejects.toMatchObject({ name: "StorageError" });
      await expectFault(driver.stat("/u/1/data"), "PATH_NOT_FOUND");
    });
  });
}
