import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startGcs, type GcsServer } from "@longshore/testkit/gcs/server";
import { contentOf } from "@longshore/testkit/s3/stand-in/content";
import { collectBytes } from "@longshore/testkit/streams";
import { expectFault } from "../contract/driver-contract.js";
import { gcsDriverOn } from "./gcs-subject.js";

const MIB = 1024 * 1024;
const BLOB = "/docker/registry/v2/blobs/sha256/00/data";
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

describe("the objects of the GCS driver", () => {
  let server: GcsServer;
  let close: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    server = await startGcs();
  });
  afterAll(() => server.stop());
  afterEach(async () => {
    server.faults.clear();
    server.isLimited = false;
    for (const one of close.splice(0)) await one();
    close = [];
  });

  const open = async (
    bucket = server.newBucket(),
    parameters: Readonly<Record<string, unknown>> = {},
    surroundings: Parameters<typeof gcsDriverOn>[3] = {},
  ) => {
    const driver = await gcsDriverOn(server, bucket, parameters, { random: () => 0, ...surroundings });
    close.push(() => driver.close());
    return Object.assign(driver, { bucket });
  };

  it("have Distribution's names, without and with a root directory", async () => {
    for (const [rootdirectory, name] of [
      ["", BLOB],
      ["/", BLOB],
      ["/root/dir/", `/root/dir${BLOB}`],
    ] as const) {
      const driver = await open(undefined, { rootdirectory });
      await driver.write(BLOB, text("x"));
      expect(server.inventory(driver.bucket)).toEqual([`${name} 1`]);
      expect(driver.objectKey(BLOB)).toBe(name.slice(1));
    }
  });

  it("aren't there where Distribution has left an upload in the middle, as for Distribution, until its directory is removed", async () => {
    const driver = await open();
    const place = "docker/registry/v2/repositories/a/_uploads/1";
    const carried = { contentType: "application/x-docker-upload-session", metadata: new Map([["Offset", "262144"]]) };
    server.store.put(driver.bucket, `${place}/data`, contentOf(Buffer.from("rest")), carried);
    await driver.write(`/${place}/startedat`, text("2020-01-01T00:00:00Z"));
    const path = `/${place}/data`;
    await expectFault(driver.stat(path), "PATH_NOT_FOUND");
    await expectFault(driver.read(path), "PATH_NOT_FOUND");
    await expectFault(driver.open(path, { start: 1 }), "PATH_NOT_FOUND");
    expect((await driver.list(`/${place}`)).names).toEqual(["startedat"]);
    await driver.delete(`/${place}`);
    expect(server.inventory(driver.bucket)).toEqual([]);
  });

  it("are read by those who have a signed address, for a while, and by no other method", async () => {
    const driver = await open(undefined, { redirectexpiry: "90s" });
    await driver.write("/ab/c", text("hello"));
    const url = new URL((await driver.redirectUrl("/ab/c", { method: "GET" })) ?? "");
    expect(await (await fetch(url)).text()).toBe("hello");
    expect((await fetch(url, { headers: { range: "bytes=1-2" } })).status).toBe(206);
    expect((await fetch(url, { method: "HEAD" })).status).toBe(403);
    const head = (await driver.redirectUrl("/ab/c", { method: "HEAD" })) ?? "";
    expect((await fetch(head, { method: "HEAD" })).headers.get("content-length")).toBe("5");
    expect(url.searchParams.get("X-Goog-Expires")).toBe("90");
    expect((await fetch(String(url).replace("/ab/c?", "/ab/d?"))).status).toBe(403);
    expect((await fetch(String(url).replace("Expires=90", "Expires=900"))).status).toBe(403);
  });

  it("are joined in calls of at most 32, and what lies between is removed", async () => {
    const driver = await open();
    const bytes = randomBytes(1100);
    const sources = Array.from({ length: 1100 }, (_, index) => {
      const path = `/u/${index}`;
      server.store.put(driver.bucket, path.slice(1), contentOf(bytes.subarray(index, index + 1)), {
        contentType: "",
      });
      return { path, size: 1 };
    });
    server.clear();
    await driver.compose(sources, "/joined");
    expect(Buffer.compare(Buffer.from(await driver.read("/joined")), bytes)).toBe(0);
    expect(server.counts()).toMatchObject({ Compose: 35 + 2 + 1, Delete: 37 });
    expect(server.inventory(driver.bucket).filter((name) => name.includes("~"))).toEqual([]);
    // A process that ends in the middle leaves some.
    server.faults.add({
      fault: { kind: "error", status: 403, code: "forbidden" },
      when: ({ operation }) => operation === "Delete",
    });
    await driver.compose(sources, "/u/again");
    expect((await driver.list("/")).names).toEqual(["joined", "u"]);
    expect(await driver.abortUnfinished("/u", new Date(0))).toEqual({ aborted: 0 });
    expect(await driver.abortUnfinished("/other", new Date(Date.now() + 60_000))).toEqual({ aborted: 0 });
    const later = new Date(Date.now() + 60_000);
    expect(await driver.abortUnfinished("/u", later, { dryRun: true })).toEqual({ aborted: 37 });
    // A removal that was given up on may still arrive, and works from now on.
    server.faults.clear();
    await driver.abortUnfinished("/u", later);
    expect(server.inventory(driver.bucket).filter((name) => name.includes("~"))).toEqual([]);
  });

  it("are listed in pages, each asked for like the first", async () => {
    const driver = await open();
    const names = Array.from({ length: 1100 }, (_, index) => `n${String(index).padStart(4, "0")}`);
    for (const name of names) {
      server.store.put(driver.bucket, `d/${name}`, contentOf(Buffer.alloc(0)), { contentType: "" });
    }
    expect((await driver.list("/d", { startAfter: "n0009" })).names).toEqual(names.slice(10));
  });

  it("are written again and again, although the service allows one write a second", async () => {
    const driver = await open();
    server.isLimited = true;
    await driver.write("/state", text("1"));
    await driver.write("/state", text("2"));
    expect(Buffer.from(await driver.read("/state")).toString()).toBe("2");
  });

  it("take as few requests as possible", async () => {
    const driver = await open();
    const during = async (act: () => Promise<unknown>) => {
      server.clear();
      await act();
      return server.counts();
    };
    const put = async (size: number): Promise<void> => {
      const writer = await driver.writer("/u/data");
      await writer.write(randomBytes(size));
      await writer.commit();
    };
    expect(await during(() => driver.write("/a", text("x")))).toEqual({ Token: 1, Insert: 1 });
    expect(await during(() => driver.read("/a"))).toEqual({ Get: 1 });
    expect(await during(() => driver.stat("/a", { fileOnly: true }))).toEqual({ GetMetadata: 1 });
    expect(await during(async () => collectBytes(await driver.open("/a")))).toEqual({ Get: 1 });
    expect(await during(() => driver.writeVersioned("/v", text("x"), undefined))).toEqual({ Insert: 1 });
    expect(await during(() => driver.list("/"))).toEqual({ List: 1 });
    expect(await during(() => driver.list("/", { startAfter: "a", limit: 5 }))).toEqual({ List: 1 });
    expect(await during(() => driver.redirectUrl("/a", { method: "GET" }))).toEqual({});
    expect(await during(() => driver.deleteFiles(["/a", "/v", "/w"]))).toEqual({ Delete: 3 });
    expect(await during(() => put(5 * MIB))).toEqual({ Insert: 1 });
    expect(await during(() => put(40 * MIB))).toEqual({
      InitiateUpload: 1,
      UploadPart: 3,
      CompleteUpload: 1,
      GetMetadata: 1,
    });
    const source = { path: "/u/data", size: 40 * MIB };
    expect(await during(() => driver.compose([source], "/b"))).toEqual({ Rewrite: 1 });
    expect(await during(() => driver.compose([source, source], "/b"))).toEqual({ Compose: 1 });
    server.rewriteBytes = 16 * MIB;
    expect(await during(() => driver.compose([source], "/b"))).toEqual({ Rewrite: 3 });
    server.rewriteBytes = Infinity;
  });
});
