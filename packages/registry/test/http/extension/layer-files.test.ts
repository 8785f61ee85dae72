import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { digestOf } from "@longshore/testkit/fixtures";
import { startApi, type RunningApi } from "@longshore/testkit/start-registry";
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
