import { createHash } from "node:crypto";
import { CopyObjectCommand, DeleteObjectCommand, DeleteObjectsCommand, HeadBucketCommand } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { bare, md5, random, outcome, type ParitySite } from "./site.js";

const HARD_KEYS = [
  "keys/a b+c%d&e=f?g#h;i,j:k@l!m$n'(o)*p~q.bin",
  "keys/日本語-é-ü",
  "keys/plus+and space",
  "keys/per%2Fcent",
  "keys/trailing ",
  'keys/"quotes"<&>',
  "keys/_uploads/%61",
];

export function objectParity(site: ParitySite): void {
  const { put, get, read, head } = site;

  describe("objects", () => {
    const bytes = random(200_000);

    it("are read as they were written, with what was said of them", async () => {
      const written = await put("object", bytes, {
        ContentType: "application/vnd.oci.image.manifest.v1+json",
        CacheControl: "no-cache",
        Metadata: { plain: "bar", "x-y": "Z 1" },
      });
      expect(written.ETag).toBe(`"${md5(bytes)}"`);
      expect((await read("object")).equals(bytes)).toBe(true);
      const found = await head("object");
      expect(found).toMatchObject({
        ETag: `"${md5(bytes)}"`,
        ContentLength: bytes.byteLength,
        ContentType: "application/vnd.oci.image.manifest.v1+json",
        CacheControl: "no-cache",
        Metadata: { plain: "bar", "x-y": "Z 1" },
        AcceptRanges: "bytes",
      });
      expect(Math.abs(Date.now() - (found.LastModified?.getTime() ?? 0))).toBeLessThan(60_000);
    });

    it("can be empty, and are replaced at once", async () => {
      await put("replaced", "");
      expect((await head("replaced")).ContentLength).toBe(0);
      expect((await read("replaced")).byteLength).toBe(0);
      await put("replaced", "two");
      expect((await read("replaced")).toString()).toBe("two");
    });

    it("have names of any characters, and names that begin other names", async () => {
      for (const key of [...HARD_KEYS, "part", "part/of/another", "folder/", "double//slash", "k".repeat(1024)]) {
        await put(key, Buffer.from(key));
      }
      for (const key of [...HARD_KEYS, "part", "part/of/another", "double//slash", "k".repeat(1024)]) {
        expect((await read(key)).toString()).toBe(key);
      }
      expect(await outcome(head("double/slash"))).toBe("404 NotFound");
      expect(await outcome(head("part/of"))).toBe("404 NotFound");
      expect(await outcome(put("k".repeat(1025), ""))).toMatch(/^400 /);
    });

    it("that are missing are told apart from a bucket that is missing", async () => {
      expect(await outcome(get("missing"))).toBe("404 NoSuchKey");
      expect(await outcome(head("missing"))).toBe("404 NotFound");
      expect(await outcome(get("object", { Bucket: `${site.bucket()}-not` }))).toBe("404 NoSuchBucket");
      expect(await outcome(put("object", "", { Bucket: `${site.bucket()}-not` }))).toBe("404 NoSuchBucket");
      const lost = new HeadBucketCommand({ Bucket: `${site.bucket()}-not` });
      expect(await outcome(site.client().send(lost))).toBe("404 NotFound");
      await site.client().send(new HeadBucketCommand({ Bucket: site.bucket() }));
    });

    it("are read in part", async () => {
      const part = async (Range: string): Promise<[string | undefined, boolean]> => {
        const answer = await get("object", { Range });
        const [, start = "", end = ""] = /^bytes (\d+)-(\d+)\/200000$/.exec(answer.ContentRange ?? "") ?? [];
        const found = Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
        return [answer.ContentRange, found.equals(bytes.subarray(Number(start), Number(end) + 1))];
      };
      expect(await part("bytes=100-299")).toEqual(["bytes 100-299/200000", true]);
      expect(await part("bytes=199000-")).toEqual(["bytes 199000-199999/200000", true]);
      expect(await part("bytes=-500")).toEqual(["bytes 199500-199999/200000", true]);
      expect(await part("bytes=199990-999999")).toEqual(["bytes 199990-199999/200000", true]);
      expect(await outcome(get("object", { Range: "bytes=200000-" }))).toBe("416 InvalidRange");
      await put("empty", "");
      expect(await outcome(get("empty", { Range: "bytes=0-" }))).toBe("416 InvalidRange");
    });

    it("are read on conditions", async () => {
      const etag = `"${md5(bytes)}"`;
      expect(await outcome(get("object", { IfNoneMatch: etag }))).toMatch(/^304 /);
      expect(await outcome(get("object", { IfMatch: `"${md5(Buffer.of(1))}"` }))).toMatch(/^412 /);
      expect((await read("object", { IfMatch: etag, Range: "bytes=0-3" })).equals(bytes.subarray(0, 4))).toBe(true);
    });

    it("are written only once with If-None-Match", async () => {
      await put("once", "1", { IfNoneMatch: "*" });
      expect(await outcome(put("once", "2", { IfNoneMatch: "*" }))).toBe("412 PreconditionFailed");
      expect((await read("once")).toString()).toBe("1");
      const tries = await Promise.allSettled(
        Array.from({ length: 10 }, (_, index) => put("raced", `${index}`, { IfNoneMatch: "*" })),
      );
      expect(tries.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    });

    it("are not replaced over a version that isn't there any more", async () => {
      await put("version", "1");
      expect(await outcome(put("version", "2", { IfMatch: `"${md5(Buffer.of(1))}"` }))).toBe("412 PreconditionFailed");
      expect((await read("version")).toString()).toBe("1");
      const { ETag } = await head("version");
      expect(await outcome(put("version", "3", { IfMatch: ETag }))).toBe(site.ways.matchingWrite);
    });

    it("are refused where the body isn't what its hash says", async () => {
      const wrong = createHash("md5").update("other").digest("base64");
      expect(await outcome(put("damaged", "hello", { ContentMD5: wrong }))).toBe("400 BadDigest");
      expect(await outcome(head("damaged"))).toBe("404 NotFound");
      expect(await outcome(put("damaged", "hello", { ChecksumCRC32: "AAAAAA==" }))).toBe(site.ways.wrongCrc32);
    });
  });

  describe("copies", () => {
    const copy = (from: string, to: string, more: Record<string, string> = {}) =>
      site.client().send(
        new CopyObjectCommand({
          Bucket: site.bucket(),
          Key: to,
          CopySource: `${site.bucket()}/${from.split("/").map(encodeURIComponent).join("/")}`,
          ...more,
        }),
      );

    it("have the bytes, the type and the metadata of their source", async () => {
      await put("copy/from é+ü %41", "some bytes", { ContentType: "text/x-test", Metadata: { a: "b" } });
      const { CopyObjectResult } = await copy("copy/from é+ü %41", "copy/to");
      expect(bare(CopyObjectResult?.ETag)).toBe(md5(Buffer.from("some bytes")));
      expect((await read("copy/to")).toString()).toBe("some bytes");
      expect(await head("copy/to")).toMatchObject({ ContentType: "text/x-test", Metadata: { a: "b" } });
      await copy("copy/to", "copy/replaced", { MetadataDirective: "REPLACE", ContentType: "text/plain" });
      expect(await head("copy/replaced")).toMatchObject({ ContentType: "text/plain", Metadata: {} });
    });

    it("of what is missing are refused", async () => {
      expect(await outcome(copy("copy/missing", "copy/x"))).toBe("404 NoSuchKey");
      const CopySourceIfMatch = `"${md5(Buffer.of(1))}"`;
      expect(await outcome(copy("copy/to", "copy/x", { CopySourceIfMatch }))).toBe(site.ways.copyOfOther);
    });
  });

  describe("deletions", () => {
    it("of what is missing succeed", async () => {
      await site.client().send(new DeleteObjectCommand({ Bucket: site.bucket(), Key: "never/was" }));
    });

    it("take a thousand keys at once, of any characters, there or not", async () => {
      for (const key of HARD_KEYS) await put(`gone/${key}`, "x");
      const keys = [
        ...HARD_KEYS.map((key) => `gone/${key}`),
        ...Array.from({ length: 900 }, (_, i) => `gone/not/${i}`),
      ];
      const Delete = { Objects: keys.map((Key) => ({ Key })) };
      const told = await site.client().send(new DeleteObjectsCommand({ Bucket: site.bucket(), Delete }));
      expect(told.Errors ?? []).toEqual([]);
      expect(told.Deleted?.map(({ Key }) => Key).sort()).toEqual([...keys].sort());
      for (const key of HARD_KEYS) expect(await outcome(head(`gone/${key}`))).toBe("404 NotFound");
      await put("gone/quietly", "x");
      const quiet = { Quiet: true, Objects: [{ Key: "gone/quietly" }] };
      const silent = await site.client().send(new DeleteObjectsCommand({ Bucket: site.bucket(), Delete: quiet }));
      expect([silent.Deleted ?? [], silent.Errors ?? []]).toEqual([[], []]);
      expect(await outcome(head("gone/quietly"))).toBe("404 NotFound");
    });
  });
}
