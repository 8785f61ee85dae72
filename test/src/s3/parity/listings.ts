import { ListObjectsV2Command, type ListObjectsV2CommandInput } from "@aws-sdk/client-s3";
import { beforeAll, describe, expect, it } from "vitest";
import { md5, type ParitySite } from "./site.js";

const KEYS = [
  ...Array.from({ length: 25 }, (_, i) => `list/d${i % 5}/f${String(i).padStart(2, "0")}`),
  ...["top1", "top2", "a-b", "a/b", "a0b", "a.b/c", "a-b/c", "A", "é", "\u{1F600}", "\uFF5E"].map(
    (name) => `list/${name}`,
  ),
];

/** S3's order: the bytes of the whole key. */
function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

interface Listed {
  readonly keys: string[];
  readonly prefixes: string[];
  readonly token: string | undefined;
}

export function listingParity(site: ParitySite): void {
  describe("listings", () => {
    const sorted = [...KEYS].sort(byBytes);
    const list = async (question: Partial<ListObjectsV2CommandInput>): Promise<Listed> => {
      const answer = await site.client().send(new ListObjectsV2Command({ Bucket: site.bucket(), ...question }));
      expect(answer.IsTruncated ?? false).toBe(answer.NextContinuationToken !== undefined);
      return {
        keys: answer.Contents?.map(({ Key = "" }) => Key) ?? [],
        prefixes: answer.CommonPrefixes?.map(({ Prefix = "" }) => Prefix) ?? [],
        token: answer.NextContinuationToken,
      };
    };
    const all = async (question: Partial<ListObjectsV2CommandInput>): Promise<Listed & { pages: number }> => {
      const keys: string[] = [];
      const prefixes: string[] = [];
      let token: string | undefined;
      let pages = 0;
      do {
        const page = await list({ ...question, ContinuationToken: token });
        keys.push(...page.keys);
        prefixes.push(...page.prefixes);
        token = page.token;
        pages += 1;
      } while (token !== undefined && pages < 200);
      return { keys, prefixes, token, pages };
    };
    const after = (key: string): string[] => sorted.filter((each) => byBytes(each, key) > 0);

    beforeAll(async () => {
      await Promise.all(KEYS.map((key) => site.put(key, key)));
    });

    it("are in the order of the keys' bytes", async () => {
      expect((await list({ Prefix: "list/" })).keys).toEqual(sorted);
      expect((await list({ Prefix: "list/to" })).keys).toEqual(["list/top1", "list/top2"]);
      expect(await list({ Prefix: "list/none" })).toEqual({ keys: [], prefixes: [], token: undefined });
    });

    it("have size, ETag and time of each", async () => {
      const command = new ListObjectsV2Command({ Bucket: site.bucket(), Prefix: "list/top1" });
      const { Contents = [] } = await site.client().send(command);
      expect(Contents).toMatchObject([{ Key: "list/top1", Size: 9, ETag: `"${md5(Buffer.from("list/top1"))}"` }]);
      expect(Contents[0]?.LastModified).toBeInstanceOf(Date);
    });

    it("roll up what lies below a delimiter", async () => {
      const { keys, prefixes } = await list({ Prefix: "list/", Delimiter: "/" });
      const folders = ["a-b/", "a.b/", "a/", "d0/", "d1/", "d2/", "d3/", "d4/"];
      expect(prefixes).toEqual(folders.map((name) => `list/${name}`));
      expect(keys).toEqual(sorted.filter((key) => !key.slice("list/".length).includes("/")));
    });

    it("come in pages that lose and repeat nothing", async () => {
      const paged = await all({ Prefix: "list/", MaxKeys: 7 });
      expect([paged.keys, paged.pages]).toEqual([sorted, Math.ceil(sorted.length / 7)]);
      for (const MaxKeys of [1, 2, 5]) {
        const whole = await list({ Prefix: "list/", Delimiter: "/" });
        const rolled = await all({ Prefix: "list/", Delimiter: "/", MaxKeys });
        expect([rolled.keys, rolled.prefixes]).toEqual([whole.keys, whole.prefixes]);
      }
    });

    it("start behind a key, whether it is there or not", async () => {
      for (const StartAfter of ["list/d3/f13", "list/d3/f13x", "list/a", "list/zz"]) {
        expect((await list({ Prefix: "list/", StartAfter })).keys).toEqual(after(StartAfter));
      }
      expect((await list({ Prefix: "list/", StartAfter: "aaa" })).keys).toEqual(sorted);
    });

    it("start behind a key that is rolled up", async () => {
      const rolled = await list({ Prefix: "list/", Delimiter: "/", StartAfter: "list/d3/~" });
      expect([rolled.prefixes, rolled.keys]).toEqual([["list/d4/"], after("list/d5")]);
    });

    it("that start behind a rolled up prefix leave it out", async () => {
      const rolled = await list({ Prefix: "list/", Delimiter: "/", StartAfter: "list/d3/" });
      expect(rolled.prefixes).toEqual(["list/d4/"]);
    });

    it("tell whether anything is there with one key", async () => {
      expect(await list({ Prefix: "list/d1/", MaxKeys: 1 })).toMatchObject({ keys: ["list/d1/f01"] });
      const only = await list({ Prefix: "list/top1", MaxKeys: 1 });
      expect(only).toEqual({ keys: ["list/top1"], prefixes: [], token: undefined });
    });

    it("escape keys where they are asked to", async () => {
      await site.put("escaped/plus+and space/日", "x");
      const { keys } = await list({ Prefix: "escaped/", EncodingType: "url" });
      expect(keys.map((key) => decodeURIComponent(key.replaceAll("+", " ")))).toEqual(["escaped/plus+and space/日"]);
    });
  });
}
