import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { startAzurite, type Azurite } from "@longshore/testkit/azure/azurite";
import { startAzureFront, type AzureFront } from "@longshore/testkit/azure/front";
import { collectBytes } from "@longshore/testkit/streams";
import { describePeers } from "@longshore/testkit/peers";
import { azureDriverOn } from "./azure-subject.js";

const MIB = 1024 * 1024;
const BLOB = "/docker/registry/v2/blobs/sha256/00/data";
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Azurite knows blocks and pages of appended blobs as Azure does. */
describePeers("the blobs of the Azure driver", ["azurite"], () => {
  let azurite: Azurite;
  let front: AzureFront;
  let close: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    azurite = await startAzurite();
    front = await startAzureFront(azurite);
  });
  afterAll(async () => {
    await front.stop();
    await azurite.stop();
  });
  afterEach(async () => {
    front.faults.clear();
    for (const one of close.splice(0)) await one();
    close = [];
  });

  const open = (container: string, parameters: Readonly<Record<string, unknown>> = {}) => {
    const driver = azureDriverOn(front, container, parameters, { random: () => 0 });
    close.push(() => driver.close());
    return driver;
  };
  const namesIn = async (container: string): Promise<string[]> => {
    const names: string[] = [];
    for await (const { name } of azurite.client.getContainerClient(container).listBlobsFlat()) names.push(name);
    return names;
  };
  /** As Distribution writes a layer. */
  const append = async (container: string, name: string, bytes: Uint8Array): Promise<void> => {
    const blob = azurite.client.getContainerClient(container).getAppendBlobClient(name);
    await blob.create();
    for (let at = 0; at < bytes.length; at += 4 * MIB) {
      const block = Buffer.from(bytes.subarray(at, at + 4 * MIB));
      await blob.appendBlock(block, block.length);
    }
  };
  const typeOf = async (container: string, name: string) =>
    (await azurite.client.getContainerClient(container).getBlobClient(name).getProperties()).blobType;

  it("have the names of registry:3 in a new container, without and with a root directory", async () => {
    for (const [rootdirectory, name] of [
      ["", BLOB.slice(1)],
      ["/", BLOB.slice(1)],
      ["/root/dir/", `root/dir${BLOB}`],
    ] as const) {
      const container = await azurite.newContainer();
      await open(container, { rootdirectory }).write(BLOB, text("x"));
      expect(await namesIn(container)).toEqual([name]);
    }
  });

  it("have the names of registry:2, with a slash before them, where only such are", async () => {
    const container = await azurite.newContainer();
    await append(container, BLOB, text("from registry:2"));
    const driver = open(container);
    expect(Buffer.from(await driver.read(BLOB)).toString()).toBe("from registry:2");
    expect((await driver.list("/docker/registry/v2")).names).toEqual(["blobs"]);
    expect((await driver.list("/")).names).toEqual(["docker"]);
    await driver.write("/docker/registry/v2/repositories/a/x", text("y"));
    expect(await namesIn(container)).toEqual([BLOB, "/docker/registry/v2/repositories/a/x"]);
    const url = (await driver.redirectUrl(BLOB, { method: "GET" })) ?? "";
    expect(await (await fetch(url)).text()).toBe("from registry:2");
    await driver.move(BLOB, `${BLOB}.moved`);
    expect(await namesIn(container)).toEqual([`${BLOB}.moved`, "/docker/registry/v2/repositories/a/x"]);
    await driver.delete("/docker");
    expect(await namesIn(container)).toEqual([]);
  });

  it("have those of registry:3 where both have written, unless an option says otherwise; the container is asked once", async () => {
    const container = await azurite.newContainer();
    await append(container, BLOB, text("2"));
    await append(container, BLOB.slice(1), text("3"));
    const driver = open(container);
    front.clear();
    expect(Buffer.from(await driver.read(BLOB)).toString()).toBe("3");
    expect(Buffer.from(await driver.read(BLOB)).toString()).toBe("3");
    expect(front.counts()).toEqual({ ListBlobs: 1, GetBlob: 2 });
    front.clear();
    expect(Buffer.from(await open(container, { legacyrootprefix: true }).read(BLOB)).toString()).toBe("2");
    expect(front.counts()).toEqual({ GetBlob: 1 });
  });

  it("are block blobs, and replace Distribution's append blobs: the same bytes stay, as if they were new", async () => {
    const container = await azurite.newContainer();
    const bytes = randomBytes(9 * MIB);
    const name = BLOB.slice(1);
    await append(container, name, bytes);
    const driver = open(container, { copychunksize: 5 * MIB });
    expect(Buffer.compare(await collectBytes(await driver.open(BLOB, { start: 5 })), bytes.subarray(5))).toBe(0);
    const before = await driver.stat(BLOB);
    await driver.write("/same", bytes);
    await driver.write("/other", randomBytes(bytes.length));
    await driver.compose([{ path: "/same", size: bytes.length }], BLOB);
    expect(await typeOf(container, name)).toBe("AppendBlob");
    expect((await driver.stat(BLOB)).version).not.toBe(before.version);
    expect(front.counts().SetBlobMetadata).toBe(1);
    await driver.compose([{ path: "/other", size: bytes.length }], BLOB);
    expect(await typeOf(container, name)).toBe("BlockBlob");
    expect(
      Buffer.compare(await collectBytes(await driver.open(BLOB)), await collectBytes(await driver.open("/other"))),
    ).toBe(0);
  });

  it("replace small append blobs, too, which Azure refuses to overwrite", async () => {
    const container = await azurite.newContainer();
    await append(container, "link", text("old"));
    const driver = open(container);
    // Azurite doesn't refuse.
    front.faults.add({
      fault: { kind: "error", status: 409, code: "InvalidBlobType" },
      times: 1,
      when: ({ operation }) => operation === "PutBlob",
    });
    await driver.write("/link", text("new"));
    expect(Buffer.from(await driver.read("/link")).toString()).toBe("new");
    expect(await typeOf(container, "link")).toBe("BlockBlob");
  });

  it("are read by those who have a signed address, for a while, and by no other method", async () => {
    const driver = open(await azurite.newContainer(), { redirectexpiry: "90s" });
    await driver.write("/a", text("hello"));
    const url = new URL((await driver.redirectUrl("/a", { method: "GET" })) ?? "");
    expect(await (await fetch(url)).text()).toBe("hello");
    expect((await fetch(url, { headers: { range: "bytes=1-2" } })).status).toBe(206);
    expect((await fetch(url, { method: "HEAD" })).headers.get("content-length")).toBe("5");
    expect((await fetch(url, { method: "DELETE" })).status).toBe(403);
    const expiry = Date.parse(url.searchParams.get("se") ?? "");
    expect(Math.abs(expiry - Date.now() - 90_000)).toBeLessThan(10_000);
    expect(url.searchParams.get("sp")).toBe("r");
    expect((await fetch(String(url).replace("/a?", "/b?"))).status).toBe(403);
  });

  it("take as few requests as possible", async () => {
    const driver = open(await azurite.newContainer(), { legacyrootprefix: false });
    const during = async (act: () => Promise<unknown>) => {
      front.clear();
      await act();
      return front.counts();
    };
    const put = async (size: number): Promise<void> => {
      const writer = await driver.writer("/u/data");
      await writer.write(randomBytes(size));
      await writer.commit();
    };
    expect(await during(() => driver.write("/a", text("x")))).toEqual({ PutBlob: 1 });
    expect(await during(() => driver.read("/a"))).toEqual({ GetBlob: 1 });
    expect(await during(() => driver.stat("/a", { fileOnly: true }))).toEqual({ GetBlobProperties: 1 });
    expect(await during(async () => collectBytes(await driver.open("/a")))).toEqual({ GetBlob: 1 });
    expect(await during(() => driver.writeVersioned("/v", text("x"), undefined))).toEqual({ PutBlob: 1 });
    expect(await during(() => driver.list("/"))).toEqual({ ListBlobs: 1 });
    expect(await during(() => driver.redirectUrl("/a", { method: "GET" }))).toEqual({});
    expect(await during(() => driver.deleteFiles(["/a", "/v", "/w"]))).toEqual({ DeleteBlob: 3 });
    expect(await during(() => put(5 * MIB))).toEqual({ PutBlob: 1 });
    expect(await during(() => put(25 * MIB))).toEqual({ PutBlock: 3, PutBlockList: 1 });
    const source = { path: "/u/data", size: 25 * MIB };
    expect(await during(() => driver.compose([source], "/b"))).toEqual({ PutBlobFromURL: 1 });
    expect(await during(() => driver.compose([source, source], "/b"))).toEqual({ PutBlockFromURL: 2, PutBlockList: 1 });
  });
});
