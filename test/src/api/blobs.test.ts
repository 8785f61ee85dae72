import { describe, expect, it } from "vitest";
import { contentOf, digestOf, pushBlob, randomContent, type Content } from "@longshore/testkit/fixtures";
import { headerLines, type Answer, type Ask } from "@longshore/testkit/http-client";
import { startApi } from "@longshore/testkit/start-registry";
import { describeStorages } from "./storages.js";

const TEN = contentOf("0123456789");

const contentType = ({ headers }: Answer): string => headers["content-type"] ?? "";

interface RangeCase {
  readonly range: string;
  readonly status: 200 | 206 | 416;
  readonly body: string;
  readonly contentRange?: string;
  readonly ifRange?: string;
}

const RANGES: readonly RangeCase[] = [
  { range: "bytes=0-3", status: 206, body: "0123", contentRange: "bytes 0-3/10" },
  { range: "bytes=4-", status: 206, body: "456789", contentRange: "bytes 4-9/10" },
  { range: "bytes=-3", status: 206, body: "789", contentRange: "bytes 7-9/10" },
  { range: "bytes=-99", status: 206, body: "0123456789", contentRange: "bytes 0-9/10" },
  { range: "bytes=8-99", status: 206, body: "89", contentRange: "bytes 8-9/10" },
  { range: "bytes=0-0", status: 206, body: "0", contentRange: "bytes 0-0/10" },
  { range: "bytes=10-12", status: 416, body: "invalid range: failed to overlap\n", contentRange: "bytes */10" },
  {
    range: "bytes=99999999999999999999-",
    status: 416,
    body: "invalid range: failed to overlap\n",
    contentRange: "bytes */10",
  },
  { range: "bytes=5-1", status: 416, body: "invalid range\n" },
  { range: "bytes=a-b", status: 416, body: "invalid range\n" },
  { range: "bytes=", status: 200, body: "0123456789" },
  { range: "bytes=-", status: 416, body: "invalid range\n" },
  { range: "bytes=0-1,12-13", status: 206, body: "01", contentRange: "bytes 0-1/10" },
  { range: "bytes=0-9,0-9,0-9,0-9", status: 200, body: "0123456789" },
  { range: "lines=0-1", status: 200, body: "0123456789" },
  { range: "bytes=0-3", ifRange: `"${TEN.digest}"`, status: 206, body: "0123", contentRange: "bytes 0-3/10" },
  { range: "bytes=0-3", ifRange: `"${digestOf("other")}"`, status: 200, body: "0123456789" },
  { range: "bytes=0-3", ifRange: "Mon, 23 Nov 2026 00:00:00 GMT", status: 200, body: "0123456789" },
];

const NONE_MATCH: readonly (readonly [string, number])[] = [
  [`"${TEN.digest}"`, 304],
  [`W/"${TEN.digest}"`, 304],
  [`"x", "${TEN.digest}"`, 304],
  ["*", 304],
  [TEN.digest, 200],
  [`"${digestOf("other")}"`, 200],
];

describeStorages("blobs", ({ client, repository, api }) => {
  const pushed = async (content: Content): Promise<string> => {
    const name = repository();
    await pushBlob(client(), name, content);
    return name;
  };

  it("are served with their digest, to keep", async () => {
    const content = randomContent(3_000_000);
    const name = await pushed(content);
    const path = `/v2/${name}/blobs/${content.digest}`;
    const expected = {
      "content-type": "application/octet-stream",
      "content-length": "3000000",
      "docker-content-digest": content.digest,
      etag: `"${content.digest}"`,
      "cache-control": "max-age=31536000",
      "accept-ranges": "bytes",
      "docker-distribution-api-version": "registry/2.0",
    };
    const answer = await client().ask({ path });
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject(expected);
    expect(answer.body.equals(content.bytes)).toBe(true);
    const head = await client().ask({ method: "HEAD", path });
    expect([head.status, head.body.length]).toEqual([200, 0]);
    expect(head.headers).toMatchObject(expected);
  });

  it("can be empty", async () => {
    const content = contentOf("");
    const name = await pushed(content);
    const answer = await client().ask({ path: `/v2/${name}/blobs/${content.digest}` });
    expect([answer.status, answer.body.length, answer.headers["content-length"]]).toEqual([200, 0, "0"]);
    const ranged = await client().ask({ path: `/v2/${name}/blobs/${content.digest}`, headers: { range: "bytes=0-" } });
    expect(ranged.status).toBe(416);
  });

  it.each(["sha384", "sha512"] as const)("have a %s digest if they were pushed with one", async (algorithm) => {
    const content = randomContent(1000, algorithm);
    const name = await pushed(content);
    const path = `/v2/${name}/blobs/${content.digest}`;
    for (const method of ["GET", "HEAD"]) {
      const answer = await client().ask({ method, path });
      expect([answer.status, answer.headers["docker-content-digest"]]).toEqual([200, content.digest]);
    }
    expect((await client().ask({ path })).body.equals(content.bytes)).toBe(true);
  });

  it.each(RANGES)(
    "answers $range (If-Range $ifRange) with $status",
    async ({ range, ifRange, status, body, contentRange }) => {
      const name = await pushed(TEN);
      const headers = { range, ...(ifRange === undefined ? {} : { "if-range": ifRange }) };
      const ask: Ask = { path: `/v2/${name}/blobs/${TEN.digest}`, headers };
      const answer = await client().ask(ask);
      expect([answer.status, answer.text(), answer.headers["content-range"]]).toEqual([status, body, contentRange]);
      expect(answer.headers["content-length"]).toBe(String(body.length));
      expect(answer.headers["docker-content-digest"]).toBe(TEN.digest);
      expect(answer.headers.etag).toBe(status === 416 ? undefined : `"${TEN.digest}"`);
      const head = await client().ask({ ...ask, method: "HEAD" });
      expect([head.status, head.body.length, head.headers["content-range"]]).toEqual([status, 0, contentRange]);
    },
  );

  it("come in parts for clients that ask for several ranges", async () => {
    const content = randomContent(3_000_000);
    const name = await pushed(content);
    const path = `/v2/${name}/blobs/${content.digest}`;
    const ranges = [
      [2_999_000, 2_999_999],
      [0, 0],
      [70_000, 1_200_000],
      [1_200_001, 1_200_001],
      [1_300_000, 1_300_010],
    ] as const;
    const range = `bytes=${ranges.map(([start, end]) => `${start}-${end}`).join(", ")}`;
    const answer = await client().ask({ path, headers: { range, "if-range": `"${content.digest}"` } });
    const [, boundary = ""] = /^multipart\/byteranges; boundary=([0-9a-f]{60})$/.exec(contentType(answer)) ?? [];
    const expected = ranges.flatMap(([start, end], index) => [
      `${index === 0 ? "" : "\r\n"}--${boundary}\r\nContent-Range: bytes ${start}-${end}/3000000\r\n`,
      "Content-Type: application/octet-stream\r\n\r\n",
      content.bytes.subarray(start, end + 1),
    ]);
    const body = Buffer.concat([...expected, `\r\n--${boundary}--\r\n`].map((piece) => Buffer.from(piece)));
    expect([answer.status, answer.headers["content-range"], answer.body.equals(body)]).toEqual([206, undefined, true]);
    expect(answer.headers).toMatchObject({
      "content-length": String(body.length),
      etag: `"${content.digest}"`,
      "docker-content-digest": content.digest,
    });
    const head = await client().ask({ method: "HEAD", path, headers: { range } });
    expect([head.status, head.headers["content-length"], head.body.length]).toEqual([206, String(body.length), 0]);
    const changed = await client().ask({ path, headers: { range, "if-range": `"${digestOf("other")}"` } });
    expect([changed.status, changed.body.equals(content.bytes)]).toEqual([200, true]);
  });

  it.each(NONE_MATCH)("answers If-None-Match %s with %i", async (noneMatch, status) => {
    const name = await pushed(TEN);
    const path = `/v2/${name}/blobs/${TEN.digest}`;
    const answer = await client().ask({ path, headers: { "if-none-match": noneMatch } });
    expect([answer.status, answer.headers.etag]).toEqual([status, `"${TEN.digest}"`]);
    expect(answer.text()).toBe(status === 304 ? "" : "0123456789");
  });

  it.each([
    [digestOf("nobody has this"), 404, "BLOB_UNKNOWN", digestOf("nobody has this")],
    ["sha256:abc", 400, "DIGEST_INVALID", "invalid checksum digest length"],
    [`sha256:${"G".repeat(64)}`, 400, "DIGEST_INVALID", "invalid checksum digest format"],
    [`md5:${"a".repeat(32)}`, 400, "DIGEST_INVALID", "unsupported digest algorithm"],
  ])("refuses %s with %i %s", async (digest, status, code, detail) => {
    const name = await pushed(TEN);
    const path = `/v2/${name}/blobs/${digest}`;
    const answer = await client().ask({ path });
    expect([answer.status, answer.code(), answer.detail()]).toEqual([status, code, detail]);
    const head = await client().ask({ method: "HEAD", path });
    expect([head.status, head.body.length, head.headers["content-length"]]).toEqual([
      status,
      0,
      String(answer.body.length),
    ]);
  });

  it("are known only where they were pushed", async () => {
    const content = randomContent();
    await pushed(content);
    const answer = await client().ask({ path: `/v2/${repository()}/blobs/${content.digest}` });
    expect([answer.status, answer.code()]).toEqual([404, "BLOB_UNKNOWN"]);
  });

  it("are gone once deleted", async () => {
    const content = randomContent();
    const name = await pushed(content);
    const path = `/v2/${name}/blobs/${content.digest}`;
    const deleted = await client().ask({ method: "DELETE", path });
    expect([deleted.status, deleted.headers["content-length"]]).toEqual([202, "0"]);
    expect((await client().ask({ path })).code()).toBe("BLOB_UNKNOWN");
    const again = await client().ask({ method: "DELETE", path });
    expect([again.status, again.code()]).toEqual([404, "BLOB_UNKNOWN"]);
  });

  it("survive clients that leave in the middle", async () => {
    const content = randomContent(8_000_000);
    const name = await pushed(content);
    const path = `/v2/${name}/blobs/${content.digest}`;
    const controller = new AbortController();
    const response = await fetch(client().origin + path, { signal: controller.signal });
    await response.body?.getReader().read();
    controller.abort();
    expect((await client().ask({ path })).body.equals(content.bytes)).toBe(true);
    expect(api().server.listening).toBe(true);
  });
});

describe("blob deletion that is switched off", () => {
  it("is refused before the storage is consulted", async () => {
    await using api = await startApi({ config: { storage: { delete: { enabled: false } } } });
    const answer = await api.client.ask({ method: "DELETE", path: `/v2/a/blobs/${TEN.digest}` });
    expect([answer.status, answer.code(), answer.detail()]).toEqual([405, "UNSUPPORTED", undefined]);
    expect(headerLines(answer, "content-type")).toEqual(["application/json"]);
  });
});
