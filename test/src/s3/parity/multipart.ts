import {
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { bare, md5, MIB, random, outcome, type ParitySite } from "./site.js";

export function multipartParity(site: ParitySite): void {
  const { put, read, head, begin, part, complete, abort } = site;
  const pieces = [random(5 * MIB), random(5 * MIB + 17), random(1000)] as const;
  const [first, second, last] = pieces;
  const whole = Buffer.concat(pieces);

  describe("multipart uploads", () => {
    it("become an object when they are completed, not before", async () => {
      const id = await begin("many/one");
      const parts = [];
      for (const [index, piece] of pieces.entries()) {
        const uploaded = await part("many/one", id, index + 1, piece);
        expect(uploaded.ETag).toBe(`"${md5(piece)}"`);
        parts.push(uploaded);
      }
      expect(await outcome(head("many/one"))).toBe("404 NotFound");
      const listed = await site.client().send(new ListObjectsV2Command({ Bucket: site.bucket(), Prefix: "many/one" }));
      expect(listed.Contents ?? []).toEqual([]);
      await complete("many/one", id, parts);
      expect((await read("many/one")).equals(whole)).toBe(true);
      const digests = pieces.map((piece) => Buffer.from(md5(piece), "hex"));
      expect((await head("many/one")).ETag).toBe(`"${md5(...digests)}-3"`);
      const across = await read("many/one", { Range: `bytes=${5 * MIB - 10}-${5 * MIB + 9}` });
      expect(across.equals(whole.subarray(5 * MIB - 10, 5 * MIB + 10))).toBe(true);
    });

    it("take parts in any order, replace them, and are ordered by their numbers", async () => {
      const id = await begin("many/order");
      const c = await part("many/order", id, 10_000, last);
      await part("many/order", id, 2, second);
      const b = await part("many/order", id, 777, second);
      const a = await part("many/order", id, 2, first);
      await complete("many/order", id, [a, b, c]);
      expect((await read("many/order")).equals(whole)).toBe(true);
    });

    it("refuse small parts that aren't the last", async () => {
      const id = await begin("many/small");
      const parts = [await part("many/small", id, 1, last), await part("many/small", id, 2, last)];
      expect(await outcome(complete("many/small", id, parts))).toBe("400 EntityTooSmall");
      await abort("many/small", id);
    });

    it("refuse parts with another ETag, and no parts at all", async () => {
      const id = await begin("many/wrong");
      await part("many/wrong", id, 1, last);
      const wrong = [{ PartNumber: 1, ETag: `"${md5(Buffer.of(1))}"` }];
      expect(await outcome(complete("many/wrong", id, wrong))).toBe("400 InvalidPart");
      expect(await outcome(complete("many/wrong", id, []))).toMatch(/^400 /);
      await abort("many/wrong", id);
    });

    it("want parts in order, and leave out those that aren't named", async () => {
      const id = await begin("many/chosen");
      const a = await part("many/chosen", id, 1, first);
      await part("many/chosen", id, 2, second);
      const c = await part("many/chosen", id, 3, last);
      expect(await outcome(complete("many/chosen", id, [a, c]))).toBe(site.ways.partsLeftOut);
      const other = await begin("many/turned");
      const x = await part("many/turned", other, 1, first);
      const y = await part("many/turned", other, 2, second);
      expect(await outcome(complete("many/turned", other, [y, x]))).toBe(site.ways.partsOutOfOrder);
    });

    it("have at most ten thousand parts", async () => {
      const id = await begin("many/much");
      expect(await outcome(part("many/much", id, 10_001, last))).toBe(site.ways.partTooMany);
    });

    it("are unknown once they are completed or aborted", async () => {
      const list = (key: string, UploadId: string): Promise<string> =>
        outcome(site.client().send(new ListPartsCommand({ Bucket: site.bucket(), Key: key, UploadId })));
      const aborted = await begin("many/aborted");
      const lost = await part("many/aborted", aborted, 1, last);
      await abort("many/aborted", aborted);
      const done = await begin("many/done");
      const only = await part("many/done", done, 1, last);
      await complete("many/done", done, [only]);
      for (const [key, id] of [
        ["many/aborted", aborted],
        ["many/done", done],
      ] as const) {
        expect(await outcome(part(key, id, 2, last))).toBe("404 NoSuchUpload");
        expect(await list(key, id)).toBe(site.ways.partsOfUnknown);
      }
      expect(await outcome(complete("many/aborted", aborted, [lost]))).toBe(site.ways.completionOfUnknown);
      expect(await outcome(head("many/aborted"))).toBe("404 NotFound");
      expect((await read("many/done")).equals(last)).toBe(true);
    });

    it("list their parts in pages", async () => {
      const id = await begin("many/parts");
      for (const number of [1, 2, 5, 9]) await part("many/parts", id, number, last);
      const about = { Bucket: site.bucket(), Key: "many/parts", UploadId: id };
      const page = await site.client().send(new ListPartsCommand({ ...about, MaxParts: 2 }));
      expect(page).toMatchObject({ IsTruncated: true, NextPartNumberMarker: "2" });
      expect(page.Parts?.map(({ PartNumber, Size, ETag }) => [PartNumber, Size, bare(ETag)])).toEqual([
        [1, 1000, md5(last)],
        [2, 1000, md5(last)],
      ]);
      const rest = await site.client().send(new ListPartsCommand({ ...about, PartNumberMarker: "2" }));
      expect([rest.Parts?.map(({ PartNumber }) => PartNumber), rest.IsTruncated]).toEqual([[5, 9], false]);
      await abort("many/parts", id);
    });

    it("are listed in pages, by key and then as they were begun", async () => {
      const ids: [string, string][] = [];
      for (const key of ["open/a/1", "open/a/2", "open/a/2", "open/b/1"]) ids.push([key, await begin(key)]);
      const found: [string, string][] = [];
      let marker: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } = {};
      for (let more = true; more;) {
        const about = { Bucket: site.bucket(), Prefix: "open/", MaxUploads: 1, ...marker };
        const page = await site.client().send(new ListMultipartUploadsCommand(about));
        for (const { Key = "", UploadId = "", Initiated } of page.Uploads ?? []) {
          expect(Math.abs(Date.now() - (Initiated?.getTime() ?? 0))).toBeLessThan(60_000);
          found.push([Key, UploadId]);
        }
        marker = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
        more = page.IsTruncated === true && found.length < 10;
      }
      expect(found.map(([key]) => key)).toEqual(ids.map(([key]) => key));
      expect(new Set(found.map(([, id]) => id))).toEqual(new Set(ids.map(([, id]) => id)));
      const about = { Bucket: site.bucket(), Prefix: "open/", Delimiter: "/" };
      const rolled = await site.client().send(new ListMultipartUploadsCommand(about));
      expect((rolled.CommonPrefixes ?? []).map(({ Prefix }) => Prefix)).toEqual(site.ways.rolledUploads);
      for (const [key, id] of ids) await abort(key, id);
    });

    it("take parts of other objects", async () => {
      const source = random(12 * MIB);
      await put("many/source", source);
      const id = await begin("many/copied");
      const copy = async (PartNumber: number, CopySourceRange?: string) => {
        const { CopyPartResult } = await site.client().send(
          new UploadPartCopyCommand({
            Bucket: site.bucket(),
            Key: "many/copied",
            UploadId: id,
            PartNumber,
            CopySource: `${site.bucket()}/many/source`,
            CopySourceRange,
          }),
        );
        return { PartNumber, ETag: CopyPartResult?.ETag };
      };
      const a = await copy(1, `bytes=0-${6 * MIB - 1}`);
      expect(bare(a.ETag)).toBe(md5(source.subarray(0, 6 * MIB)));
      const b = await copy(2, `bytes=${6 * MIB}-${12 * MIB - 1}`);
      const c = await copy(3);
      await complete("many/copied", id, [a, b, c]);
      expect((await read("many/copied")).equals(Buffer.concat([source, source]))).toBe(true);
    });

    it("replace nothing with If-None-Match", async () => {
      await put("many/there", "x");
      const id = await begin("many/there");
      const only = await part("many/there", id, 1, last);
      const completion = complete("many/there", id, [only], { IfNoneMatch: "*" });
      expect(await outcome(completion)).toBe(site.ways.completionOverObject);
    });
  });
}
