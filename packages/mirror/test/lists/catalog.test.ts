import { parseRepositoryName, type RepositoryName } from "@longshore/storage";
import { describe, expect, it } from "vitest";
import type { MirroredUpstream } from "../../src/contract.js";
import { createCatalog, type CatalogBounds } from "../../src/lists/catalog.js";
import { createRouting } from "../../src/routing.js";
import type { UpstreamFault } from "../../src/upstream/errors.js";
import { createGate, FakeUpstream } from "../fake-upstream.js";
import { DEFAULTS } from "../site.js";

const names = (...texts: readonly string[]): readonly RepositoryName[] => texts.map(parseRepositoryName);

/** Lists of an upstream below `up.test`, whose clock stands still until it is told to move. */
function openLists({
  bounds,
  others = [],
  ...options
}: Partial<MirroredUpstream> & {
  readonly bounds?: CatalogBounds;
  readonly others?: readonly MirroredUpstream[];
} = {}) {
  const upstream = new FakeUpstream();
  upstream.catalog = () => Promise.resolve({ items: names("team/app") });
  const clock = { now: 0 };
  const reports: string[] = [];
  const one = { ...DEFAULTS, client: upstream, prefix: "up.test", catalog: "upstream" as const, ...options };
  const repositories = createCatalog({
    registry: { repositories: () => Promise.resolve({ items: names("own"), more: false }) },
    routing: createRouting([one, ...others], []),
    observer: {
      stale: (_label, error) => reports.push(`stale: ${error.message}`),
      unlisted: (_label, error) => reports.push(`unlisted: ${error.message}`),
    },
    refusalAge: 10_000,
    now: () => clock.now,
    ...(bounds === undefined ? {} : { bounds }),
  });
  const list = async (after?: string): Promise<readonly string[]> => (await repositories({ after })).items;
  return { upstream, clock, reports, list, repositories };
}

const BOUNDS: CatalogBounds = { names: 10, bytes: 1000, time: 10_000 };
const AWAY: UpstreamFault = { code: "UNAVAILABLE", reason: "it is away", retryAfter: 1 };

describe("the catalog with what an upstream lists", () => {
  it("is read once for all who ask at the same time, and a client that leaves stops none of them", async () => {
    const { upstream, repositories } = openLists();
    const gate = createGate();
    upstream.catalog = () => gate.opened.then(() => ({ items: names("team/app") }));
    const leaving = new AbortController();
    const left = repositories({ signal: leaving.signal });
    const others = [repositories(), repositories()];
    leaving.abort(new Error("left"));
    await expect(left).rejects.toThrow("left");
    gate.open();
    for (const { items } of await Promise.all(others)) expect(items).toEqual(["own", "up.test/team/app"]);
    expect(upstream.calls).toEqual(["repositories"]);
  });

  it("is read again by a first page after `freshness`, and by later pages after half a minute", async () => {
    const { upstream, clock, list } = openLists({ freshness: 5000 });
    await list();
    clock.now = 4999;
    await list();
    expect(upstream.calls).toHaveLength(1);
    clock.now = 29_999;
    await list("own");
    expect(upstream.calls).toHaveLength(1);
    await list();
    expect(upstream.calls).toHaveLength(2);
    clock.now += 30_000;
    await list("own");
    expect(upstream.calls).toHaveLength(3);
  });

  it("is what the upstream had while it fails, which isn't asked by each request", async () => {
    const { upstream, clock, reports, list } = openLists();
    await list();
    upstream.fault = AWAY;
    expect(await list()).toEqual(["own", "up.test/team/app"]);
    expect(await list()).toEqual(["own", "up.test/team/app"]);
    expect(upstream.calls).toHaveLength(2);
    expect(reports).toEqual([expect.stringMatching(/^stale: .*it is away/)]);
    clock.now = 10_000;
    upstream.fault = undefined;
    upstream.catalog = () => Promise.resolve({ items: names("team/new") });
    expect(await list()).toEqual(["own", "up.test/team/new"]);
  });

  it.each<UpstreamFault>([
    { code: "UNSUPPORTED", operation: "listing repositories" },
    { code: "DENIED", reason: "it answered 401" },
  ])("is only what is cached once the upstream shows nothing: $code", async (fault) => {
    const { upstream, reports, list } = openLists();
    await list();
    upstream.fault = fault;
    expect(await list()).toEqual(["own"]);
    expect(reports).toEqual([expect.stringMatching(/^unlisted: /)]);
  });

  it("asks without `n` where the upstream refuses a large one, and follows its pages, also those where nothing is mirrored", async () => {
    const { upstream, list } = openLists({ allow: [{ test: (name) => name === "z/last" }] });
    upstream.catalog = ({ limit, cursor }) => {
      if (limit !== undefined) {
        return Promise.reject(upstream.fail({ code: "INVALID_ANSWER", reason: "it answered 400" }));
      }
      const page = Number(cursor ?? "0");
      return Promise.resolve(
        page === 40 ? { items: names("z/last") } : { items: names(`a/${page}`), next: String(page + 1) },
      );
    };
    expect(await list()).toEqual(["own", "up.test/z/last"]);
  });

  it.each([
    ["names", { ...BOUNDS, names: 2 }, /more than 2 repositories/],
    ["bytes", { ...BOUNDS, bytes: 20 }, /more than 20 bytes/],
  ] as const)("takes no more than so many %s", async (_what, bounds, reason) => {
    const { upstream, reports, list } = openLists({ bounds });
    upstream.catalog = ({ cursor = "0" }) =>
      Promise.resolve({ items: names(`team/app${cursor}`), next: String(Number(cursor) + 1) });
    expect(await list()).toEqual(["own"]);
    expect(reports).toEqual([expect.stringMatching(reason)]);
    expect(upstream.calls.length).toBeLessThan(5);
  });

  it("waits no longer than so long for all pages", async () => {
    const { upstream, reports, list } = openLists({ bounds: { ...BOUNDS, time: 50 } });
    upstream.catalog = ({ signal }) =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener("abort", () => reject(new Error("stopped")));
      });
    expect(await list()).toEqual(["own"]);
    expect(reports).toEqual([expect.stringMatching(/didn't arrive within 0.05 s/)]);
  });

  it("has Docker Hub's short names below library/, and leaves out what belongs to a longer prefix", async () => {
    const other = { ...DEFAULTS, client: new FakeUpstream(), prefix: "up.test/other" };
    const { upstream, list } = openLists({
      isHub: true,
      others: [other],
      deny: [{ test: (name) => name === "library/no" }],
    });
    upstream.catalog = () =>
      Promise.resolve({ items: names("alpine", "library/alpine", "no", "other/app", "team/app") });
    expect(await list()).toEqual(["own", "up.test/library/alpine", "up.test/team/app"]);
  });
});
