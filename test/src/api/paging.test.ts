import { expect, it } from "vitest";
import { expectStatus, OCI_MANIFEST, pushImage, pushManifest } from "@longshore/testkit/fixtures";
import type { HttpClient } from "@longshore/testkit/http-client";
import { describeStorages } from "./storages.js";

/** The tags of one page. */
function tagsOf(body: unknown): readonly string[] {
  if (typeof body !== "object" || body === null || !("tags" in body) || !Array.isArray(body.tags))
    throw new Error(`no list of tags: ${JSON.stringify(body)}`);
  return body.tags.map(String);
}

/** Follows `Link` from `path`, with `between` after each page, and returns all tags in the order they came. */
async function tagsOverPages(
  client: HttpClient,
  path: string,
  between: (page: readonly string[]) => Promise<void>,
): Promise<string[]> {
  const tags: string[] = [];
  for (let next: string | undefined = path; next !== undefined;) {
    const answer = expectStatus(await client.ask({ path: next }), 200);
    const page = tagsOf(answer.json());
    tags.push(...page);
    const link = answer.headers["link"];
    next = typeof link === "string" ? /^<([^>]+)>; rel="next"$/.exec(link)?.[1] : undefined;
    await between(page);
    if (tags.length > 5000) throw new Error("the pages never end");
  }
  return tags;
}

const number = (index: number): string => String(index).padStart(3, "0");
const KEPT = Array.from({ length: 24 }, (_, index) => `t${number(index * 10)}-kept`);

describeStorages("tags/list while tags change", ({ client, repository }) => {
  async function prepared() {
    const name = repository();
    const path = `/v2/${name}/tags/list`;
    const { manifest } = await pushImage(client(), name, KEPT[0], { layers: 0 });
    const push = async (tag: string): Promise<void> =>
      void expectStatus(await pushManifest(client(), name, manifest, OCI_MANIFEST, tag), 201);
    const remove = async (tag: string): Promise<void> =>
      void expectStatus(await client().ask({ method: "DELETE", path: `/v2/${name}/manifests/${tag}` }), 202);
    for (const tag of KEPT.slice(1)) await push(tag);
    return { path, push, remove };
  }

  it("continues after a last tag that was deleted, neither skipping nor repeating a tag", async () => {
    const { path, push, remove } = await prepared();
    for (const tag of KEPT) await push(`${tag}-x`);
    let turn = 0;
    const seen = await tagsOverPages(client(), `${path}?n=3`, async (page) => {
      // The page's tags that aren't kept, its last one among them in every other turn; then one before and one behind it.
      for (const tag of page) if (tag.endsWith("-x")) await remove(tag);
      turn += 1;
      await push(`a${number(turn)}`);
      await push(`z${number(turn % 4)}`);
    });
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual([...seen].sort());
    expect(seen.filter((tag) => tag.endsWith("-kept"))).toEqual(KEPT);
    expect(seen.filter((tag) => tag.startsWith("a"))).toEqual([]);
  });

  it.each([1, 2, 7])("keeps every tag in pages of %d while others are pushed and deleted at once", async (n) => {
    const { path, push, remove } = await prepared();
    let over = false;
    const change = async (writer: number): Promise<void> => {
      for (let round = 0; !over; round += 1) {
        const tag = `t${number((round * 37 + writer * 5 + 3) % 240)}-w${writer}`;
        await push(tag);
        await remove(tag);
      }
    };
    const writers = [0, 1, 2].map(change);
    try {
      for (let reading = 0; reading < 3; reading += 1) {
        const seen = await tagsOverPages(client(), `${path}?n=${n}`, () => Promise.resolve());
        expect(new Set(seen).size).toBe(seen.length);
        expect(seen.filter((tag) => tag.endsWith("-kept"))).toEqual(KEPT);
      }
    } finally {
      over = true;
      await Promise.all(writers);
    }
  });
});
