import { parseRepositoryName, type Digest } from "@longshore/storage";
import { describe, expect, it } from "vitest";
import { keyOf, type Entry } from "../../src/retention/entries.js";
import { planRemovals, type Limits } from "../../src/retention/plan.js";
import { sha256 } from "../fake-upstream.js";

const NOW = 1_000_000;

function entry(kind: Entry["kind"], content: string, lastUse: number, name = "team/app"): Entry {
  return { name: parseRepositoryName(name), digest: sha256(content), kind, lastUse };
}

function plan(
  entries: readonly Entry[],
  needs: readonly (readonly [Entry, readonly Entry[]])[],
  limits: Partial<Limits>,
  pinned: readonly Entry[] = [],
) {
  const sizes = new Map<Digest, number>(entries.map(({ digest, kind }) => [digest, kind === "blob" ? 100 : 1]));
  return planRemovals(
    new Map(entries.map((each) => [keyOf(each), each])),
    {
      references: new Map(needs.map(([manifest, blobs]) => [keyOf(manifest), blobs.map(({ digest }) => digest)])),
      sizes,
      pinned: new Set(pinned.map(keyOf)),
    },
    { ttl: 0, maxBytes: 0, now: NOW, ...limits },
  );
}

describe("what goes from the cache", () => {
  it("is what has expired since its last use", () => {
    const old = entry("manifest", "old", NOW - 101);
    const fresh = entry("manifest", "fresh", NOW - 99);
    expect(plan([old, fresh], [], { ttl: 100 })).toMatchObject({ manifests: [old], blobs: [], forRoom: 0 });
    expect(plan([old, fresh], [], {})).toMatchObject({ manifests: [] });
  });

  it("isn't a blob that a manifest which stays needs, however long ago it was asked for", () => {
    const shared = entry("blob", "shared", NOW - 500);
    const single = entry("blob", "single", NOW - 500);
    const old = entry("manifest", "old", NOW - 400);
    const fresh = entry("manifest", "fresh", NOW - 1);
    const needs = [[old, [shared, single]] as const, [fresh, [shared]] as const];
    expect(plan([shared, single, old, fresh], needs, { ttl: 100 })).toEqual({
      manifests: [old],
      blobs: [single],
      bytes: 101,
      forRoom: 0,
    });
  });

  it("counts bytes that repositories share once, and frees them with the last", () => {
    const here = entry("blob", "shared", NOW - 500);
    const there = entry("blob", "shared", NOW - 1, "team/other");
    expect(plan([here, there], [], { ttl: 100 })).toMatchObject({ blobs: [here], bytes: 0 });
  });

  it("is what was used longest ago, until there is room, except what is pinned", () => {
    const images = [1, 2, 3, 4].map((age) => ({
      manifest: entry("manifest", `manifest ${age}`, NOW - 10 * age),
      blob: entry("blob", `blob ${age}`, NOW - 10 * age),
    }));
    const all = images.flatMap(({ manifest, blob }) => [manifest, blob]);
    const needs = images.map(({ manifest, blob }) => [manifest, [blob]] as const);
    const [, , third, fourth] = images;
    const pinned = fourth === undefined ? [] : [fourth.manifest, fourth.blob];
    const result = plan(all, needs, { maxBytes: 350 }, pinned);
    expect(result).toMatchObject({ manifests: [third?.manifest], blobs: [third?.blob], bytes: 101, forRoom: 1 });
    expect(plan(all, needs, { maxBytes: 404 })).toMatchObject({ manifests: [], bytes: 0 });
  });
});
