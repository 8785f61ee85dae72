import { once } from "node:events";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { digestOf } from "@longshore/testkit/fixtures";
import { startApi, type RunningApi } from "@longshore/testkit/start-registry";
import { stargzLayer } from "@longshore/testkit/stargz";
import { documentOf } from "./support.js";

/** An entry of a tar. */
function entryOf(name: string, body: string, type = "0"): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write("0000644\0", 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  header.write(`${body.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write("00000000000\0", 136);
  header.write("        ", 148);
  header.write(`${type}\0`, 156);
  header.write("ustar\u000000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([header, Buffer.from(body.padEnd(Math.ceil(body.length / 512) * 512, "\0"))]);
}

async function push({ client }: RunningApi, bytes: Buffer): Promise<string> {
  const digest = digestOf(bytes);
  const path = `/v2/team/app/blobs/uploads/?digest=${digest}`;
  const headers = { "content-type": "application/octet-stream" };
  expect((await client.ask({ method: "POST", path, headers, body: bytes })).status).toBe(201);
  return `/v2/team/app/_longshore/repository/files/${digest}`;
}

describe("the files of a layer", () => {
  it("are listed by the repository that has it", async () => {
    await using api = await startApi();
    const path = await push(api, gzipSync(Buffer.concat([entryOf("etc/<b>passwd</b>", "root"), Buffer.alloc(1024)])));
    const found = documentOf(await api.client.ask({ path }), "LayerFiles");
    expect(found).toMatchObject({
      compression: "gzip",
      files: [{ path: "etc/<b>passwd</b>", type: "file", size: 4, mode: "0644" }],
    });
    const elsewhere = await api.client.ask({ path: path.replace("team/app", "other") });
    expect([elsewhere.status, elsewhere.code()]).toEqual([404, "BLOB_UNKNOWN"]);
  });

  it("can't be listed of what is no layer, nor of zstd where Node has none", async () => {
    await using api = await startApi();
    const text = await api.client.ask({ path: await push(api, Buffer.from("no layer ".repeat(100))) });
    expect([text.status, text.detail()]).toEqual([422, "the layer is no tar, or is damaged"]);
    const zstd = await api.client.ask({ path: await push(api, Buffer.from("28b52ffd0458010000", "hex")) });
    // No fault of the registry's, which it would log.
    expect([zstd.status, zstd.code()]).toEqual([422, "UNSUPPORTED"]);
  });

  it("are under way until the answer is read", async () => {
    await using api = await startApi();
    const named = Array.from({ length: 600 }, () =>
      Buffer.concat([entryOf("path", `4011 path=${"\u0001".repeat(4000)}\n`, "x"), entryOf("x", "")]),
    );
    const path = await push(api, gzipSync(Buffer.concat([...named, Buffer.alloc(1024)])));
    const address = api.server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const unread = await Promise.all(
      [1, 2].map(async () => {
        const socket = connect(port, "127.0.0.1");
        socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
        await once(socket, "readable");
        return socket;
      }),
    );
    const refused = await api.client.ask({ path });
    expect([refused.status, refused.code()]).toEqual([429, "TOOMANYREQUESTS"]);
    for (const socket of unread) socket.destroy();
    await expect.poll(async () => (await api.client.ask({ path })).status).toBe(200);
    // More than a connection takes by itself, and not more than the limit.
    const { length } = (await api.client.ask({ path })).body;
    expect(length).toBeGreaterThan(14_000_000);
    expect(length).toBeLessThan(16 * 1024 * 1024 + 1000);
  });

  it("are those of its table only once, if that can't be used", async () => {
    let parts = 0;
    await using api = await startApi({
      wrapDriver: (driver) => ({
        ...driver,
        open(path, options) {
          if ((options?.start ?? 0) > 0) parts += 1;
          return driver.open(path, options);
        },
      }),
    });
    const { bytes } = stargzLayer(entryOf("real", "x"), '{"entries":[{"name":"decoy","type":"reg","Name":"evil"}]}');
    const path = await push(api, bytes);
    for (const view of [1, 2, 3]) {
      const found = documentOf(await api.client.ask({ path }), "LayerFiles");
      expect(found.files.map((file) => file.path)).toEqual(["real", "stargz.index.json"]);
      // The footer, and the table where that says.
      expect(parts, `view ${view}`).toBe(2);
    }
  });

  it("are listed while others are answered, and end early where a layer says too much of them", async () => {
    await using api = await startApi();
    const wordy = entryOf("pax", "5 a=\n".repeat(13_000), "x");
    const path = await push(api, gzipSync(Buffer.concat(Array.from({ length: 300 }, () => wordy))));
    const done = new AbortController();
    const listed = api.client.ask({ path }).finally(() => done.abort());
    let answers = 0;
    for (; !done.signal.aborted; answers += 1) expect((await api.client.ask({ path: "/v2/" })).status).toBe(200);
    expect(documentOf(await listed, "LayerFiles")).toMatchObject({ cutBy: "metadata", files: [] });
    expect(answers).toBeGreaterThanOrEqual(10);
  });
});
