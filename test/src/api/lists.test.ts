import { describe, expect, it } from "vitest";
import { expectStatus, pushImage, pushManifest, OCI_MANIFEST } from "@longshore/testkit/fixtures";
import type { HttpClient } from "@longshore/testkit/http-client";
import { startApi } from "@longshore/testkit/start-registry";
import { describeStorages } from "./storages.js";

/** Pushes one image under each of `tags`. */
async function pushTags(client: HttpClient, name: string, tags: readonly string[]): Promise<void> {
  const { manifest } = await pushImage(client, name, tags[0], { layers: 0 });
  for (const tag of tags.slice(1)) expectStatus(await pushManifest(client, name, manifest, OCI_MANIFEST, tag), 201);
}

/** Follows `Link` from `path` and returns the bodies. */
async function pages(client: HttpClient, path: string): Promise<unknown[]> {
  const bodies: unknown[] = [];
  for (let next: string | undefined = path; next !== undefined;) {
    const answer = expectStatus(await client.ask({ path: next }), 200);
    bodies.push(answer.json());
    const link = answer.headers["link"];
    next = typeof link === "string" ? /^<([^>]+)>; rel="next"$/.exec(link)?.[1] : undefined;
    if (bodies.length > 50) throw new Error("the pages never end");
  }
  return bodies;
}

const INVALID_COUNTS: readonly (readonly [string, number])[] = [
  ["-1", -1],
  ["many", 0],
  ["1.5", 0],
  ["0x10", 0],
];

describeStorages("tags/list", ({ client, repository }) => {
  it("lists tags by bytes", async () => {
    const name = repository();
    await pushTags(client(), name, ["b", "A", "a", "_", "10", "9"]);
    const answer = await client().ask({ path: `/v2/${name}/tags/list` });
    expect([answer.status, answer.headers["content-type"]]).toEqual([200, "application/json"]);
    expect(answer.text()).toBe(`{"name":"${name}","tags":["10","9","A","_","a","b"]}\n`);
    expect(answer.headers["link"]).toBeUndefined();
  });

  it("continues after the last one", async () => {
    const name = repository();
    await pushTags(client(), name, ["a", "b", "c", "d", "e"]);
    const path = `/v2/${name}/tags/list`;
    for (const [query, tags, link] of [
      ["?n=2", ["a", "b"], `<${path}?last=b&n=2>; rel="next"`],
      ["?n=2&last=b", ["c", "d"], `<${path}?last=d&n=2>; rel="next"`],
      ["?n=2&last=d", ["e"], undefined],
      ["?n=5", ["a", "b", "c", "d", "e"], undefined],
      ["?last=bb", ["c", "d", "e"], undefined],
      ["?last=z", [], undefined],
      ["?n=0", [], undefined],
    ] as const) {
      const answer = await client().ask({ path: path + query });
      expect([query, answer.json(), answer.headers["link"]]).toEqual([query, { name, tags }, link]);
    }
    expect(await pages(client(), `${path}?n=2`)).toEqual(
      [["a", "b"], ["c", "d"], ["e"]].map((tags) => ({ name, tags })),
    );
  });

  it.each(INVALID_COUNTS)("refuses n=%s", async (n, detail) => {
    const name = repository();
    const answer = await client().ask({ path: `/v2/${name}/tags/list?n=${n}` });
    expect([answer.status, answer.code(), answer.detail()]).toEqual([400, "PAGINATION_NUMBER_INVALID", { n: detail }]);
  });

  it("refuses an n that no number holds", async () => {
    const answer = await client().ask({ path: `/v2/${repository()}/tags/list?n=${"9".repeat(5000)}` });
    expect([answer.status, answer.code()]).toEqual([400, "PAGINATION_NUMBER_INVALID"]);
  });

  it("doesn't list an empty repository", async () => {
    const name = repository();
    const answer = await client().ask({ path: `/v2/${name}/tags/list` });
    expect([answer.status, answer.code(), answer.detail()]).toEqual([404, "NAME_UNKNOWN", { name }]);
  });

  it("is empty for a repository without tags", async () => {
    const name = repository();
    await pushImage(client(), name);
    const answer = await client().ask({ path: `/v2/${name}/tags/list` });
    expect([answer.status, answer.json()]).toEqual([200, { name, tags: [] }]);
  });
});

describe("tags/list with a limit", () => {
  it("cuts a page that is too large, and lists all without n", async () => {
    await using api = await startApi({ config: { tags: { maxtags: 2 } } });
    await pushTags(api.client, "a", ["1", "2", "3"]);
    for (const n of ["3", "9007199254740993"]) {
      const cut = await api.client.ask({ path: `/v2/a/tags/list?n=${n}` });
      expect([cut.json(), cut.headers["link"]]).toEqual([
        { name: "a", tags: ["1", "2"] },
        '</v2/a/tags/list?last=2&n=2>; rel="next"',
      ]);
    }
    expect((await api.client.ask({ path: "/v2/a/tags/list" })).json()).toEqual({ name: "a", tags: ["1", "2", "3"] });
  });
});

describe.each(["inmemory", "filesystem"] as const)("the catalog on %s", (storage) => {
  it("is empty at first", async () => {
    await using api = await startApi({ storage });
    const answer = await api.client.ask({ path: "/v2/_catalog" });
    expect([answer.status, answer.headers["content-type"], answer.text()]).toEqual([
      200,
      "application/json",
      '{"repositories":[]}\n',
    ]);
  });

  it("lists repositories that have a manifest, and pages lose nothing", async () => {
    await using api = await startApi({ storage, config: { catalog: { maxentries: 5 } } });
    const { client } = api;
    const names = ["q", "q-b", "q/0", "q/a", "q/b", "q0"];
    for (const name of [...names].reverse()) await pushImage(client, name, undefined, { layers: 0 });
    expect(await pages(client, "/v2/_catalog?n=2")).toEqual(
      [names.slice(0, 2), names.slice(2, 4), names.slice(4)].map((repositories) => ({ repositories })),
    );
    const first = await client.ask({ path: "/v2/_catalog?n=3" });
    expect(first.headers["link"]).toBe('</v2/_catalog?last=q%2F0&n=3>; rel="next"');
    expect((await client.ask({ path: "/v2/_catalog" })).json()).toEqual({ repositories: names.slice(0, 5) });
    expect((await client.ask({ path: "/v2/_catalog?last=q/a" })).json()).toEqual({ repositories: ["q/b", "q0"] });
    for (const n of ["6", "1000000", "9223372036854775807"]) {
      const cut = await client.ask({ path: `/v2/_catalog?n=${n}` });
      expect([cut.status, cut.json(), cut.headers["link"]]).toEqual([
        200,
        { repositories: names.slice(0, 5) },
        '</v2/_catalog?last=q%2Fb&n=5>; rel="next"',
      ]);
    }
    expect((await client.ask({ path: "/v2/_catalog?n=0" })).text()).toBe('{"repositories":[]}\n');
  });

  it("forgets a repository with its last manifest", async () => {
    await using api = await startApi({ storage });
    const { manifest } = await pushImage(api.client, "gone", "latest", { layers: 0 });
    expectStatus(await api.client.ask({ method: "DELETE", path: `/v2/gone/manifests/${manifest.digest}` }), 202);
    expect((await api.client.ask({ path: "/v2/_catalog" })).json()).toEqual({ repositories: [] });
  });

  it.each([
    ["-1", "-1"],
    ["many", "many"],
    ["9223372036854775808", "9223372036854775808"],
  ])("refuses n=%s", async (n, detail) => {
    await using api = await startApi({ storage, config: { catalog: { maxentries: 5 } } });
    const answer = await api.client.ask({ path: `/v2/_catalog?n=${n}` });
    expect([answer.status, answer.code(), answer.detail()]).toEqual([400, "PAGINATION_NUMBER_INVALID", { n: detail }]);
  });
});
