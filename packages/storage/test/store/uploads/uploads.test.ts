import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isObjectStorage } from "../../../src/contract/object-storage.js";
import type { UploadStore } from "../../../src/contract/upload-store.js";
import {
  blobData,
  layerLink,
  uploadData,
  uploadDirectory,
  uploadsDirectory,
  uploadStartedAt,
} from "../../../src/layout/paths.js";
import { createUploads } from "../../../src/store/uploads/uploads.js";
import { expectFault } from "../../contract/driver-contract.js";
import { refusing } from "../support.js";
import {
  bodyOf,
  digestBy,
  expectBlob,
  heldBody,
  NAME,
  OBJECT_STORAGES,
  S3_STORAGES,
  OTHER,
  STORAGES,
  type TestStorage,
  watching,
} from "./support.js";

const MIB = 1024 * 1024;
const UNKNOWN = "0198d2a4-0000-7000-8000-000000000000";

describe.each([...STORAGES, ...OBJECT_STORAGES, ...S3_STORAGES])("uploads over %s", (_, open) => {
  let storage: TestStorage;
  let uploads: UploadStore;
  /** The same sessions as another process sees them, with no shared memory. */
  let elsewhere: UploadStore;
  beforeEach(async () => {
    storage = await open();
    uploads = createUploads(storage.driver).store(NAME);
    elsewhere = createUploads(storage.another()).store(NAME);
  });
  afterEach(() => storage.destroy());

  const exists = async (path: string): Promise<boolean> =>
    storage.driver.stat(path).then(
      () => true,
      () => false,
    );
  const linked = async (digest: ReturnType<typeof digestBy>, algorithm = digest): Promise<void> => {
    const link = await storage.driver.read(layerLink(NAME, algorithm));
    expect(Buffer.from(link).toString()).toBe(digest);
  };

  it("starts a session as Distribution does", async () => {
    const before = Math.floor(Date.now() / 1000) * 1000;
    const { uuid, size, startedAt } = await uploads.start();
    expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(size).toBe(0);
    expect(startedAt.getTime()).toBeGreaterThanOrEqual(before);
    expect((await storage.driver.list(uploadDirectory(NAME, uuid))).names).toEqual(
      isObjectStorage(storage.driver) ? ["startedat", "state"] : ["data", "startedat"],
    );
    const written = Buffer.from(await storage.driver.read(uploadStartedAt(NAME, uuid))).toString();
    expect(written).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(new Date(written)).toEqual(startedAt);
    expect(await elsewhere.status(uuid)).toEqual({ uuid, size: 0, startedAt });
  });

  it.each([0, 1, 10_000, 3 * MIB + 7])("accepts %i bytes at once", async (length) => {
    const bytes = randomBytes(length);
    const digest = digestBy(bytes);
    const { uuid } = await uploads.start();
    const descriptor = await uploads.commit(uuid, digest, { ...bodyOf(bytes), offset: 0, length });
    expect(descriptor).toEqual({ mediaType: "application/octet-stream", digest, size: length });
    await expectBlob(storage.driver, digest, bytes);
    await linked(digest);
    expect(await exists(uploadDirectory(NAME, uuid))).toBe(false);
    await expectFault(uploads.status(uuid), "UPLOAD_UNKNOWN");
    await expectFault(uploads.commit(uuid, digest, undefined), "UPLOAD_UNKNOWN");
  });

  it.each(["sha256", "sha384", "sha512"] as const)(
    "keeps content under the %s digest it was pushed with",
    async (algorithm) => {
      const bytes = randomBytes(2 * MIB);
      const digest = digestBy(bytes, algorithm);
      const { uuid } = await uploads.start({ algorithm });
      await elsewhere.append(uuid, bodyOf(bytes));
      const opened: string[] = [];
      const watched = watching(storage.driver, (call, path) => call === "open" && opened.push(path));
      await createUploads(watched).store(NAME).commit(uuid, digest, undefined);
      expect(opened).toEqual([]);
      await expectBlob(storage.driver, digest, bytes);
      await linked(digest);
    },
  );

  it("accepts a digest of another algorithm than it hashed with", async () => {
    const bytes = randomBytes(2 * MIB);
    const digest = digestBy(bytes, "sha512");
    const { uuid } = await uploads.start();
    await uploads.append(uuid, bodyOf(bytes));
    await uploads.commit(uuid, digest, undefined);
    await expectBlob(storage.driver, digest, bytes);
  });

  it("continues any session in any process, chunk by chunk", async () => {
    const parts = [randomBytes(MIB), randomBytes(1), randomBytes(2 * MIB), randomBytes(70_000), randomBytes(5)];
    const bytes = Buffer.concat(parts);
    const { uuid } = await uploads.start();
    let size = 0;
    for (const [index, part] of parts.slice(0, -1).entries()) {
      const store = index % 2 === 0 ? elsewhere : uploads;
      const status = await store.append(uuid, { ...bodyOf(part), offset: size });
      size += part.length;
      expect(status.size).toBe(size);
      expect((await uploads.status(uuid)).size).toBe(size);
      expect((await elsewhere.status(uuid)).size).toBe(size);
    }
    const digest = digestBy(bytes);
    await elsewhere.commit(uuid, digest, { ...bodyOf(parts.at(-1) ?? bytes), offset: size });
    await expectBlob(storage.driver, digest, bytes);
  });

  it("doesn't read the bytes again when another process commits", async () => {
    const bytes = randomBytes(2 * MIB);
    const { uuid } = await uploads.start();
    await uploads.append(uuid, bodyOf(bytes));
    const opened: string[] = [];
    const watched = watching(storage.another(), (call, path) => call === "open" && opened.push(path));
    await createUploads(watched).store(NAME).commit(uuid, digestBy(bytes), undefined);
    expect(opened).toEqual([]);
  });

  it("refuses bytes at another offset, and keeps the session", async () => {
    const { uuid } = await uploads.start();
    await uploads.append(uuid, bodyOf(Buffer.from("12345")));
    for (const store of [uploads, elsewhere]) {
      for (const offset of [0, 4, 6]) {
        await expect(store.append(uuid, { ...bodyOf(Buffer.from("x")), offset })).rejects.toMatchObject({
          fault: { code: "UPLOAD_OFFSET_INVALID", uuid, offset, size: 5 },
        });
      }
      expect((await store.status(uuid)).size).toBe(5);
    }
    await uploads.append(uuid, { ...bodyOf(Buffer.from("6")), offset: 5 });
    await uploads.commit(uuid, digestBy(Buffer.from("123456")), undefined);
  });

  it("keeps what arrived of a body that breaks off", async () => {
    const bytes = randomBytes(300_000);
    const { uuid } = await uploads.start();
    const held = heldBody();
    const appending = uploads.append(uuid, held.body);
    const error = new Error("the connection broke");
    await held.send(bytes.subarray(0, 200_000));
    held.fail(error);
    await expect(appending).rejects.toBe(error);
    expect((await elsewhere.status(uuid)).size).toBe(200_000);
    await elsewhere.commit(uuid, digestBy(bytes), { ...bodyOf(bytes.subarray(200_000)), offset: 200_000 });
    await expectBlob(storage.driver, digestBy(bytes), bytes);
  });

  it("keeps what arrived before the request's signal aborted", async () => {
    const { uuid } = await uploads.start();
    const held = heldBody();
    const controller = new AbortController();
    const appending = uploads.append(uuid, held.body, { signal: controller.signal });
    await held.send(Buffer.from("before"));
    const reason = new Error("gone");
    controller.abort(reason);
    await expect(appending).rejects.toBe(reason);
    expect((await elsewhere.status(uuid)).size).toBe(6);
  });

  it("reports fewer or more bytes than announced", async () => {
    const { uuid } = await uploads.start();
    const bytes = Buffer.from("12345");
    for (const length of [6, 4]) {
      await expect(uploads.append(uuid, { ...bodyOf(bytes), length })).rejects.toMatchObject({
        fault: { code: "UPLOAD_SIZE_INVALID", expected: length },
      });
    }
    expect((await uploads.status(uuid)).size).toBe(9);
    const commit = uploads.commit(uuid, digestBy(Buffer.from("123451234x")), {
      ...bodyOf(Buffer.from("x")),
      length: 2,
    });
    await expectFault(commit, "UPLOAD_SIZE_INVALID");
    await elsewhere.commit(uuid, digestBy(Buffer.from("123451234x")), undefined);
  });

  it("links nothing and ends the session if the digest differs", async () => {
    for (const body of [undefined, bodyOf(Buffer.from("y"))]) {
      const { uuid } = await uploads.start();
      await uploads.append(uuid, bodyOf(Buffer.from("x")));
      const digest = digestBy(Buffer.from("something else"));
      await expect(elsewhere.commit(uuid, digest, body)).rejects.toMatchObject({
        fault: { code: "DIGEST_MISMATCH", expected: digest },
      });
      await expectFault(uploads.status(uuid), "UPLOAD_UNKNOWN");
      expect(await exists(layerLink(NAME, digest))).toBe(false);
      expect(await exists(blobData(digest))).toBe(false);
    }
  });

  it.each([undefined, 1000])(
    "replaces the stored bytes of a blob, unless what arrived is something else (announced: %s)",
    async (length) => {
      const bytes = randomBytes(1000);
      const digest = digestBy(bytes);
      for (const there of [bytes, bytes.subarray(0, 0), bytes.subarray(0, 500), randomBytes(1000)]) {
        await storage.driver.write(blobData(digest), there);
        const store = createUploads(storage.driver).store(NAME);
        const wrong = await store.start();
        await expectFault(
          store.commit(wrong.uuid, digest, { ...bodyOf(randomBytes(1000)), length }),
          "DIGEST_MISMATCH",
        );
        await expectFault(uploads.status(wrong.uuid), "UPLOAD_UNKNOWN");
        expect(Buffer.compare(await storage.driver.read(blobData(digest)), there)).toBe(0);
        const { uuid } = await store.start();
        await store.commit(uuid, digest, { ...bodyOf(bytes), length });
        await expectBlob(storage.driver, digest, bytes);
        expect(await exists(uploadDirectory(NAME, uuid))).toBe(false);
      }
    },
  );

  it("cancels, even during a request that appends", async () => {
    const idle = await uploads.start();
    await elsewhere.cancel(idle.uuid);
    await expectFault(uploads.status(idle.uuid), "UPLOAD_UNKNOWN");
    const busy = await uploads.start();
    const held = heldBody();
    const appending = uploads.append(busy.uuid, held.body);
    await held.send(randomBytes(100_000));
    const told = expectFault(appending, "UPLOAD_TAKEN_OVER");
    await uploads.cancel(busy.uuid);
    await told;
    expect(await exists(uploadDirectory(NAME, busy.uuid))).toBe(false);
    await expectFault(uploads.cancel(busy.uuid), "UPLOAD_UNKNOWN");
  });

  it("doesn't know sessions of other repositories, or malformed ids", async () => {
    const { uuid } = await uploads.start();
    const other = createUploads(storage.driver).store(OTHER);
    for (const [store, id] of [
      [other, uuid],
      [uploads, UNKNOWN],
      [uploads, ".."],
      [uploads, "a/b"],
    ] as const) {
      await expectFault(store.status(id), "UPLOAD_UNKNOWN");
      await expectFault(store.append(id, bodyOf(Buffer.from("x"))), "UPLOAD_UNKNOWN");
      await expectFault(store.commit(id, digestBy(Buffer.from("x")), undefined), "UPLOAD_UNKNOWN");
      await expectFault(store.cancel(id), "UPLOAD_UNKNOWN");
    }
    expect((await uploads.status(uuid)).size).toBe(0);
  });

  it("leaves nothing of a session that fails to start", async () => {
    const failure = new Error("full");
    let failing = true;
    const broken = refusing(storage.driver, (operation, path) =>
      failing && operation === "write" && path.endsWith("/startedat") ? failure : undefined,
    );
    const store = createUploads(broken).store(NAME);
    await expect(store.start()).rejects.toBe(failure);
    expect((await storage.driver.list(uploadsDirectory(NAME)).catch(() => ({ names: [] }))).names).toEqual([]);
    failing = false;
    await store.start();
  });

  it("leaves nothing of a session whose blob couldn't be linked", async () => {
    const failure = new Error("full");
    const broken = refusing(storage.driver, (operation, path) =>
      operation === "write" && path.endsWith("/link") ? failure : undefined,
    );
    const bytes = randomBytes(1000);
    const store = createUploads(broken).store(NAME);
    const { uuid } = await store.start();
    await expect(store.commit(uuid, digestBy(bytes), { ...bodyOf(bytes) })).rejects.toBe(failure);
    // Either it can be committed again, or nothing of it is left.
    const again = createUploads(storage.driver).store(NAME);
    if (await exists(uploadDirectory(NAME, uuid))) {
      const { size } = await again.status(uuid);
      await again.commit(uuid, digestBy(bytes), size === 0 ? bodyOf(bytes) : undefined);
    }
    expect(await exists(uploadDirectory(NAME, uuid))).toBe(false);
  });

  it("doesn't count leftovers of failed starts", async () => {
    for (const uuid of ["left-1", "left-2", "left-3", "left-4"]) {
      await storage.driver.write(uploadData(NAME, uuid), new Uint8Array(0));
    }
    const limited = createUploads(storage.driver, { sessionLimit: 2 }).store(NAME);
    await limited.start();
    await limited.start();
    await expect(limited.start()).rejects.toMatchObject({ fault: { code: "TOO_MANY_UPLOADS", limit: 2 } });
  });

  it("admits as many concurrent starts as there is room for", async () => {
    const limited = createUploads(storage.driver, { sessionLimit: 5 }).store(NAME);
    await limited.start();
    const outcomes = await Promise.allSettled(Array.from({ length: 12 }, () => limited.start()));
    const started = outcomes.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    expect(started).toHaveLength(4);
    expect((await storage.driver.list(uploadsDirectory(NAME))).names).toHaveLength(5);
    await limited.cancel(started[0]?.uuid ?? "");
    await limited.start();
  });

  it("gives the slot of a failed start to the next one", async () => {
    let failing = true;
    const flaky = refusing(storage.another(), (operation, path) => {
      const isStart = operation.startsWith("write") && path.includes("_uploads");
      return failing && isStart ? new Error("the storage is full") : undefined;
    });
    const limited = createUploads(flaky, { sessionLimit: 3 }).store(NAME);
    const failed = await Promise.allSettled(Array.from({ length: 9 }, () => limited.start()));
    expect(failed.filter(({ status }) => status === "fulfilled")).toEqual([]);
    failing = false;
    const outcomes = await Promise.allSettled(Array.from({ length: 9 }, () => limited.start()));
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
  });

  it("limits a repository's unfinished sessions", async () => {
    const limited = createUploads(storage.driver, { sessionLimit: 3 }).store(NAME);
    const started = [await limited.start(), await limited.start(), await limited.start()];
    await expect(limited.start()).rejects.toMatchObject({ fault: { code: "TOO_MANY_UPLOADS", limit: 3 } });
    await limited.cancel(started[0]?.uuid ?? "");
    await limited.start();
    await createUploads(storage.driver, { sessionLimit: 3 }).store(OTHER).start();
  });
});
