import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { digestOf } from "@longshore/testkit/fixtures";
import { startApi, type RunningApi } from "@longshore/testkit/start-registry";
import { documentOf } from "./support.js";

/** A tar with one file, as GNU tar writes it. */
function tarOf(name: string, body: string): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write("0000644\0", 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  header.write(`${body.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write("00000000000\0", 136);
  header.write("        ", 148);
  header.write("0ustar\u000000", 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([header, Buffer.from(body.padEnd(512, "\0")), Buffer.alloc(1024)]);
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
    const path = await push(api, gzipSync(tarOf("etc/<b>passwd</b>", "root")));
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
    expect([422, 501]).toContain(zstd.status);
  });
});
