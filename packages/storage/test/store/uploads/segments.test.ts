import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { StorageDriver } from "../../../src/contract/driver.js";
import type { ObjectStorage, SourceFile } from "../../../src/contract/object-storage.js";
import { blobData, layerLink, uploadDirectory, uploadSegment, uploadState } from "../../../src/layout/paths.js";
import { formatUploadState, parseUploadState } from "../../../src/store/uploads/state.js";
import { createUploads } from "../../../src/store/uploads/uploads.js";
import { expectFault } from "../../contract/driver-contract.js";
import { createInMemoryObjectStorage, type ObjectStorageOptions } from "../../drivers/in-memory-object-storage.js";
import { bodyOf, digestBy, expectBlob, heldBody, NAME } from "./support.js";

const TIB = 1024 ** 4;

const open = (options: ObjectStorageOptions = {}) => {
  const storage = createInMemoryObjectStorage({ smallestPart: 8, partSize: 16, largestWrite: 64, ...options });
  const process = () => createUploads(storage.driver).store(NAME);
  return { ...storage, process, uploads: process(), elsewhere: process() };
};
const stateOf = async (driver: StorageDriver, uuid: string) =>
  parseUploadState(await driver.read(uploadState(NAME, uuid)));
const namesIn = async (driver: StorageDriver, uuid: string): Promise<readonly string[]> =>
  (await driver.list(uploadDirectory(NAME, uuid))).names;

describe("a session's segments", () => {
  it("hold one request's bytes, and small ones are merged into the next", async () => {
    const { driver, uploads, elsewhere } = open();
    const bytes = randomBytes(60);
    const { uuid } = await uploads.start();
    const sizes: number[][] = [];
    let at = 0;
    for (const [index, length] of [3, 4, 5, 20, 2, 1, 25].entries()) {
      const store = index % 2 === 0 ? uploads : elsewhere;
      await store.append(uuid, { ...bodyOf(bytes.subarray(at, at + length)), offset: at });
      at += length;
      const { segments } = await stateOf(driver, uuid);
      sizes.push(segments.map(({ size }) => size));
      const expected = ["startedat", "state", ...segments.map(({ id }) => `segment.${id}`)].sort();
      expect(await namesIn(driver, uuid)).toEqual(expected);
    }
    expect(sizes).toEqual([[3], [7], [12], [12, 20], [12, 20, 2], [12, 20, 3], [12, 20, 28]]);
    await elsewhere.commit(uuid, digestBy(bytes), undefined);
    await expectBlob(driver, digestBy(bytes), bytes);
  });

  it("are as many as the storage's largest file requires", async () => {
    const { driver, uploads } = open();
    const bytes = randomBytes(200);
    const { uuid } = await uploads.start();
    await uploads.append(uuid, bodyOf(bytes.subarray(0, 150), bytes.subarray(150)));
    expect((await stateOf(driver, uuid)).segments.map(({ size }) => size)).toEqual([64, 64, 64, 8]);
    await uploads.commit(uuid, digestBy(bytes), undefined);
    await expectBlob(driver, digestBy(bytes), bytes);
  });

  it("stay few, however many requests write them", async () => {
    const { driver, uploads, elsewhere } = open({ smallestPart: 1 });
    const bytes = randomBytes(2 * 302);
    const { uuid, startedAt } = await uploads.start();
    // As if left by 99 times a hundred requests.
    const older = Array.from({ length: 99 }, (_, index) => ({ id: `s${index}`, size: 2, level: 1 }));
    for (const [index, { id }] of older.entries()) {
      await driver.write(uploadSegment(NAME, uuid, id), bytes.subarray(2 * index, 2 * index + 2));
    }
    const state = { startedAt, algorithm: "sha256" as const, segments: older, digest: undefined };
    await driver.write(uploadState(NAME, uuid), formatUploadState(state));
    const levels: number[][] = [];
    for (let at = 2 * older.length; at < bytes.length; at += 2) {
      await (at % 4 === 0 ? uploads : elsewhere).append(uuid, { ...bodyOf(bytes.subarray(at, at + 2)), offset: at });
      const { segments } = await stateOf(driver, uuid);
      levels.push(segments.map(({ level }) => level));
      expect(await namesIn(driver, uuid)).toHaveLength(segments.length + 2);
    }
    expect(Math.max(...levels.map((one) => one.length))).toBe(99 + 99);
    expect(levels[99]).toEqual([2]);
    expect(levels.at(-1)).toEqual([2, 1, 0, 0, 0]);
    await uploads.commit(uuid, digestBy(bytes), undefined);
    await expectBlob(driver, digestBy(bytes), bytes);
    await expectFault(driver.list(uploadDirectory(NAME, uuid)), "PATH_NOT_FOUND");
  });

  it("can hold 10 TB", async () => {
    const { driver, uploads } = open();
    const { uuid, startedAt } = await uploads.start();
    const segments = Array.from({ length: 210 }, (_, index) => ({
      id: `s${index}`,
      size: 48 * 1024 ** 3 + 1,
      level: 0,
    }));
    const size = segments.reduce((sum, one) => sum + one.size, 0);
    expect(size).toBeGreaterThan(9.8 * TIB);
    const digest = digestBy(Buffer.from("ten terabytes"));
    const state = { version: 1, startedAt, algorithm: "sha256", segments, digests: { sha256: digest } };
    await driver.write(uploadState(NAME, uuid), Buffer.from(JSON.stringify(state)));
    expect((await uploads.status(uuid)).size).toBe(size);
    await expectFault(uploads.append(uuid, { ...bodyOf(Buffer.from("x")), offset: size - 1 }), "UPLOAD_OFFSET_INVALID");
    const composed: (readonly SourceFile[])[] = [];
    const vast: StorageDriver & ObjectStorage = {
      ...driver,
      compose: (sources) => {
        composed.push(sources);
        return Promise.resolve();
      },
    };
    const more = createUploads(vast).store(NAME);
    const { size: longer } = await more.append(uuid, { ...bodyOf(Buffer.from("x")), offset: size });
    expect(longer).toBe(size + 1);
    // Together they exceed what is composed in one step.
    expect(composed).toEqual([]);
    await driver.write(uploadState(NAME, uuid), Buffer.from(JSON.stringify(state)));
    expect((await more.commit(uuid, digest, undefined)).size).toBe(size);
    expect(composed).toHaveLength(1);
    expect(composed[0]?.map((source) => source.size)).toEqual(segments.map((segment) => segment.size));
  });

  it("are distinguished from others of the same length by a request that continues the hash", async () => {
    const { driver, uploads, elsewhere } = open({ conditionalWrites: false });
    const { uuid } = await uploads.start();
    const [mine, theirs] = [heldBody({ offset: 0 }), heldBody({ offset: 0 })];
    const both = [uploads.append(uuid, mine.body), elsewhere.append(uuid, theirs.body)];
    await mine.send(Buffer.from("0123456789"));
    await theirs.send(Buffer.from("abcdefghij"));
    mine.end();
    await both[0];
    theirs.end();
    await both[1];
    // The session now has the other request's bytes, and this process the hash of its own.
    await uploads.append(uuid, { ...bodyOf(Buffer.from("z")), offset: 10 });
    expect((await stateOf(driver, uuid)).digest).toBeUndefined();
    const wrong = digestBy(Buffer.from("0123456789z"));
    await expectFault(uploads.commit(uuid, wrong, undefined), "DIGEST_MISMATCH");
    await expectFault(driver.stat(blobData(wrong)), "PATH_NOT_FOUND");
  });

  it("are read if no request has hashed all of them", async () => {
    const { driver, uploads, elsewhere } = open();
    const bytes = randomBytes(100);
    const { uuid } = await uploads.start();
    await uploads.append(uuid, bodyOf(bytes.subarray(0, 30)));
    await elsewhere.append(uuid, bodyOf(bytes.subarray(30, 60)));
    expect((await stateOf(driver, uuid)).digest).toBeUndefined();
    await uploads.commit(uuid, digestBy(bytes), bodyOf(bytes.subarray(60)));
    await expectBlob(driver, digestBy(bytes), bytes);
  });
});

describe("several requests for one session over object storage", () => {
  it("let the newer of one process continue where the older one stalled", async () => {
    const { driver, uploads, elsewhere } = open();
    const bytes = randomBytes(50);
    const { uuid } = await uploads.start();
    const stalled = heldBody({ offset: 0 });
    const older = uploads.append(uuid, stalled.body);
    await stalled.send(bytes.subarray(0, 30));
    expect((await uploads.status(uuid)).size).toBe(30);
    expect((await elsewhere.status(uuid)).size).toBe(0);
    const told = expectFault(older, "UPLOAD_TAKEN_OVER");
    await expectFault(uploads.append(uuid, { ...bodyOf(bytes), offset: 3 }), "UPLOAD_OFFSET_INVALID");
    await uploads.append(uuid, { ...bodyOf(bytes.subarray(30)), offset: 30 });
    await told;
    await elsewhere.commit(uuid, digestBy(bytes), undefined);
    await expectBlob(driver, digestBy(bytes), bytes);
  });

  it("let another process continue from what was kept, and fail the stalled one when it resumes", async () => {
    const { driver, uploads, elsewhere } = open();
    const bytes = randomBytes(80);
    const { uuid } = await uploads.start();
    await uploads.append(uuid, bodyOf(bytes.subarray(0, 20)));
    const stalled = heldBody({ offset: 20 });
    const older = uploads.append(uuid, stalled.body);
    await stalled.send(randomBytes(30));
    await elsewhere.append(uuid, { ...bodyOf(bytes.subarray(20, 40)), offset: 20 });
    stalled.end();
    await expectFault(older, "UPLOAD_TAKEN_OVER");
    expect(await namesIn(driver, uuid)).toHaveLength(4);
    const late = heldBody({ offset: 40 });
    const later = uploads.append(uuid, late.body);
    await late.send(randomBytes(30));
    await elsewhere.commit(uuid, digestBy(bytes), { ...bodyOf(bytes.subarray(40)), offset: 40 });
    late.end();
    await expectFault(later, "UPLOAD_TAKEN_OVER");
    await expectBlob(driver, digestBy(bytes), bytes);
    await expectFault(driver.list(uploadDirectory(NAME, uuid)), "PATH_NOT_FOUND");
  });

  it("let one of two simultaneous appends win", async () => {
    const { driver, uploads, elsewhere } = open();
    for (let turn = 0; turn < 20; turn += 1) {
      const { uuid } = await uploads.start();
      const parts = [randomBytes(20), randomBytes(20)] as const;
      const results = await Promise.allSettled([
        uploads.append(uuid, { ...bodyOf(parts[0]), offset: 0 }),
        elsewhere.append(uuid, { ...bodyOf(parts[1]), offset: 0 }),
      ]);
      const winners = parts.filter((_part, index) => results[index]?.status === "fulfilled");
      expect(winners).toHaveLength(1);
      expect(await namesIn(driver, uuid)).toHaveLength(3);
      const winner = winners[0] ?? parts[0];
      await elsewhere.commit(uuid, digestBy(winner), undefined);
      await expectBlob(driver, digestBy(winner), winner);
    }
  });

  it("don't end, on a wrong digest, a session to which another process has appended", async () => {
    const { driver, uploads, elsewhere } = open();
    const bytes = randomBytes(40);
    const { uuid } = await uploads.start();
    await uploads.append(uuid, bodyOf(bytes.subarray(0, 20)));
    const stalled = heldBody({ offset: 20 });
    const committing = uploads.commit(uuid, digestBy(bytes), stalled.body);
    await stalled.send(randomBytes(20));
    await elsewhere.append(uuid, { ...bodyOf(bytes.subarray(20)), offset: 20 });
    stalled.end();
    await expectFault(committing, "UPLOAD_TAKEN_OVER");
    expect(await namesIn(driver, uuid)).toHaveLength(4);
    await elsewhere.commit(uuid, digestBy(bytes), undefined);
    await expectBlob(driver, digestBy(bytes), bytes);
  });

  it("recognise a write whose answer was lost as their own", async () => {
    const { driver } = open();
    const deaf: StorageDriver & ObjectStorage = {
      ...driver,
      // The storage executed it; the client's own retry is refused.
      writeVersioned: async (...call) => {
        await driver.writeVersioned(...call);
        return driver.writeVersioned(...call);
      },
    };
    const uploads = createUploads(deaf).store(NAME);
    const bytes = randomBytes(40);
    const { uuid } = await uploads.start();
    await uploads.append(uuid, bodyOf(bytes.subarray(0, 3)));
    await uploads.append(uuid, bodyOf(bytes.subarray(3)));
    await uploads.commit(uuid, digestBy(bytes), undefined);
    await expectBlob(driver, digestBy(bytes), bytes);
  });
});

describe("a monolithic upload to object storage", () => {
  it("is written to the blob's own place, once", async () => {
    const { driver, uploads, requests, reset } = open();
    for (const length of [0, 10, 16, 40, 64]) {
      const bytes = randomBytes(length);
      const { uuid } = await uploads.start();
      reset();
      await uploads.commit(uuid, digestBy(bytes), { ...bodyOf(bytes), offset: 0, length });
      const written = requests
        .filter((line) => !/^(?:Head|Get|List|Delete)/.test(line))
        .map((line) => line.split(" ")[1]);
      expect(new Set(written)).toEqual(new Set([blobData(digestBy(bytes)), layerLink(NAME, digestBy(bytes))]));
      await expectBlob(driver, digestBy(bytes), bytes);
      await expectFault(driver.list(uploadDirectory(NAME, uuid)), "PATH_NOT_FOUND");
    }
  });

  it("goes to segments if it is larger than a single file can be", async () => {
    const { driver, uploads } = open();
    const bytes = randomBytes(65);
    const { uuid } = await uploads.start();
    await uploads.commit(uuid, digestBy(bytes), { ...bodyOf(bytes), length: 65 });
    await expectBlob(driver, digestBy(bytes), bytes);
  });

  it("leaves no blob, no parts and an unchanged session if it breaks off, is too short or long, or is taken over", async () => {
    const { driver, uploads, unfinished } = open();
    const bytes = randomBytes(60);
    const target = blobData(digestBy(bytes));
    const { uuid } = await uploads.start();
    const broken = heldBody({ offset: 0, length: 60 });
    const error = new Error("the connection broke");
    const committing = uploads.commit(uuid, digestBy(bytes), broken.body);
    await broken.send(bytes.subarray(0, 40));
    expect(unfinished()).toEqual([target]);
    // Nothing of it is kept, so nothing of it is reported.
    expect((await uploads.status(uuid)).size).toBe(0);
    broken.fail(error);
    await expect(committing).rejects.toBe(error);
    for (const length of [61, 59]) {
      await expectFault(uploads.commit(uuid, digestBy(bytes), { ...bodyOf(bytes), length }), "UPLOAD_SIZE_INVALID");
    }
    const stalled = heldBody({ offset: 0, length: 60 });
    const older = expectFault(uploads.commit(uuid, digestBy(bytes), stalled.body), "UPLOAD_TAKEN_OVER");
    await stalled.send(bytes.subarray(0, 40));
    expect((await uploads.append(uuid, { ...bodyOf(bytes), offset: 0 })).size).toBe(60);
    await older;
    expect(unfinished()).toEqual([]);
    await expectFault(driver.stat(target), "PATH_NOT_FOUND");
    await uploads.commit(uuid, digestBy(bytes), undefined);
    await expectBlob(driver, digestBy(bytes), bytes);
  });

  it("leaves nothing if the digest differs", async () => {
    const { driver, uploads, unfinished } = open();
    for (const length of [10, 60]) {
      const { uuid } = await uploads.start();
      const digest = digestBy(Buffer.from("something else"));
      await expectFault(uploads.commit(uuid, digest, { ...bodyOf(randomBytes(length)), length }), "DIGEST_MISMATCH");
      await expectFault(uploads.status(uuid), "UPLOAD_UNKNOWN");
      await expectFault(driver.stat(blobData(digest)), "PATH_NOT_FOUND");
      await expectFault(driver.stat(layerLink(NAME, digest)), "PATH_NOT_FOUND");
    }
    expect(unfinished()).toEqual([]);
  });
});

describe("a session's state", () => {
  it("that is damaged is a storage failure, not a missing session", async () => {
    const { driver, uploads } = open();
    const { uuid } = await uploads.start();
    const good = Buffer.from(await driver.read(uploadState(NAME, uuid))).toString();
    for (const bad of [
      "",
      "{}",
      good.replace('"version":1', '"version":2'),
      good.replace("[]", '[{"id":"../x","size":1}]'),
    ]) {
      await driver.write(uploadState(NAME, uuid), Buffer.from(bad));
      await expectFault(uploads.status(uuid), "DRIVER_ERROR");
      await expectFault(uploads.append(uuid, bodyOf(Buffer.from("x"))), "DRIVER_ERROR");
    }
  });

  it("survives a storage failure during an append, with everything from before", async () => {
    const { driver, unfinished } = open();
    let failing = "";
    const faulty = new Proxy(driver, {
      get: (target, property) => {
        if (property !== failing) return Reflect.get(target, property) as unknown;
        return () => Promise.reject(new Error("the storage is down"));
      },
    });
    const bytes = randomBytes(50);
    for (failing of ["writer", "writeVersioned", "open", "compose"]) {
      const fault = failing;
      failing = "";
      const uploads = createUploads(faulty).store(NAME);
      const { uuid } = await uploads.start();
      await uploads.append(uuid, bodyOf(bytes.subarray(0, 5)));
      failing = fault;
      const body = { ...bodyOf(bytes.subarray(5, 40)), offset: 5 };
      const request =
        fault === "writeVersioned"
          ? uploads.append(uuid, body)
          : uploads.commit(uuid, digestBy(bytes.subarray(0, 40)), body);
      await expect(request).rejects.toThrow("the storage is down");
      failing = "";
      const { size } = await uploads.status(uuid);
      expect([5, 40]).toContain(size);
      await uploads.commit(uuid, digestBy(bytes), { ...bodyOf(bytes.subarray(size)), offset: size });
      await expectBlob(driver, digestBy(bytes), bytes);
    }
    expect(unfinished()).toEqual([]);
  });
});

describe("the limit of sessions over object storage", () => {
  it("isn't checked while sessions end as they begin, and is once they are abandoned", async () => {
    const { driver, requests } = open();
    const uploads = createUploads(driver, { sessionLimit: 40 }).store(NAME);
    const lists = (): number => requests.filter((line) => line.startsWith("ListObjects")).length;
    for (let turn = 0; turn < 30; turn += 1) {
      const { uuid } = await uploads.start();
      if (turn % 2 === 0) await uploads.cancel(uuid);
      else await uploads.commit(uuid, digestBy(Buffer.from("x")), bodyOf(Buffer.from("x")));
    }
    expect(lists()).toBe(0);
    const left: string[] = [];
    await expectFault(
      (async () => {
        for (let turn = 0; turn < 50; turn += 1) left.push((await uploads.start()).uuid);
      })(),
      "TOO_MANY_UPLOADS",
    );
    expect(left).toHaveLength(40);
    expect(lists()).toBeGreaterThan(0);
    await uploads.cancel(left[0] ?? "");
    await uploads.start();
  });
});
