import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decideRetention, type RetentionDecision } from "../src/retention/decide.js";
import type { ManifestFact, RepositoryFacts, TagFact } from "../src/retention/facts.js";
import { retentionSection } from "../src/retention/options.js";
import { subjectOfTag } from "../src/retention/referrer-tag.js";
import { compareVersions } from "../src/retention/version-order.js";

const HOUR = 3_600_000;
const NOW = 1000 * HOUR;
const digest = (hex: string): string => `sha256:${hex.repeat(64).slice(0, 64)}`;

const parse = (retention: object) => retentionSection.parse(retention);

function decide(retention: object, facts: Partial<RepositoryFacts>, immutable = ""): RetentionDecision {
  const { rules, untagged } = parse(retention);
  return decideRetention(
    { name: "team/app", tags: [], manifests: [], pullsSince: undefined, ...facts },
    { rules, untagged, now: NOW, immutable: (tag) => (tag === immutable ? "releases" : undefined) },
  );
}

const tagOf = (tag: string, hours: number, hex = "a", pulled?: number): TagFact => ({
  tag,
  digest: digest(hex),
  pushed: NOW - hours * HOUR,
  ...(pulled === undefined ? {} : { pulled: NOW - pulled * HOUR }),
});
const manifest = (hex: string, more: Partial<ManifestFact> = {}): ManifestFact => ({
  digest: digest(hex),
  pushed: NOW - 500 * HOUR,
  children: [],
  ...more,
});
const gone = ({ tags }: RetentionDecision): readonly string[] =>
  tags.filter((each) => !each.kept).map(({ tag }) => tag);
const goneManifests = ({ manifests }: RetentionDecision): readonly string[] =>
  manifests.filter((each) => !each.kept).map((each) => each.digest);

describe("retention", () => {
  it("keeps the newest by push, and names the rule", () => {
    const tags = [tagOf("a", 3), tagOf("b", 1), tagOf("c", 2)];
    const decision = decide({ rules: [{ name: "few", newest: 2 }] }, { tags });
    expect(decision.tags).toMatchObject([
      { tag: "a", kept: false, rule: "few", reason: "no rule keeps it" },
      { tag: "b", kept: true, rule: "few", reason: "it is among the newest 2" },
      { tag: "c", kept: true, rule: "few" },
    ]);
  });

  it("keeps the newest by version", () => {
    const tags = ["1.9", "1.10", "1.10-rc1", "1.2.0", "latest"].map((tag, index) => tagOf(tag, index));
    expect(gone(decide({ rules: [{ name: "few", newest: 2, order: "version", tags: ["1.*"] }] }, { tags }))).toEqual([
      "1.9",
      "1.2.0",
    ]);
  });

  it("keeps what is young, pulled lately, immutable, always kept, or not concerned", () => {
    const tags = [
      tagOf("young", 1),
      tagOf("used", 90, "a", 2),
      tagOf("old", 90, "a", 80),
      tagOf("never", 90),
      tagOf("v1", 90),
      tagOf("prod", 90),
      tagOf("other", 90),
    ];
    const rules = [
      { name: "time", youngerthan: "24h", pulledwithin: "48h", excepttags: ["other"] },
      { name: "production", tags: ["prod"], always: true },
    ];
    expect(gone(decide({ rules }, { tags, pullsSince: NOW - 60 * HOUR }, "v1"))).toEqual(["old", "never"]);
    // Pulls haven't been noted for long enough.
    expect(gone(decide({ rules }, { tags, pullsSince: NOW - 40 * HOUR }, "v1"))).toEqual([]);
    expect(gone(decide({ rules }, { tags }, "v1"))).toEqual([]);
  });

  it("keeps tags of what a kept index lists", () => {
    const tags = [tagOf("all", 1, "a"), tagOf("arm", 90, "b"), tagOf("old", 90, "c")];
    const manifests = [manifest("a", { children: [digest("b")] }), manifest("b"), manifest("c")];
    const retention = { rules: [{ name: "young", youngerthan: "24h" }], untagged: [{ name: "soon", age: "24h" }] };
    const decision = decide(retention, { tags, manifests });
    expect(gone(decision)).toEqual(["old"]);
    expect(goneManifests(decision)).toEqual([digest("c")]);
  });

  it("lets referrers go with their subject", () => {
    const tags = [
      tagOf("new", 1, "a"),
      tagOf("old", 90, "b"),
      tagOf(`${digest("a").replace(":", "-")}.sig`, 90, "c"),
      tagOf(`${digest("b").replace(":", "-")}.sig`, 1, "d"),
      tagOf(digest("f").replace(":", "-"), 90, "e"),
    ];
    const manifests = ["a", "b", "c", "d", "e"].map((hex) => manifest(hex));
    manifests.push(manifest("1", { subject: digest("a") }), manifest("2", { subject: digest("b") }));
    const retention = { rules: [{ name: "young", youngerthan: "24h" }], untagged: [{ name: "soon", age: "24h" }] };
    const decision = decide(retention, { tags, manifests });
    expect(gone(decision)).toEqual(["old", `${digest("b").replace(":", "-")}.sig`]);
    expect(goneManifests(decision)).toEqual([digest("b"), digest("d"), digest("2")]);
  });

  it("keeps untagged manifests where no rule is for them", () => {
    const decision = decide(
      { rules: [], untagged: [{ name: "x", repositories: ["other"] }] },
      { manifests: [manifest("a")] },
    );
    expect(goneManifests(decision)).toEqual([]);
  });

  const hexes = ["a", "b", "c", "d", "e", "f", "1", "2"];
  const hexOf = fc.constantFrom(...hexes);
  const anyManifests = fc.tuple(
    ...hexes.map((hex) =>
      fc.record({
        digest: fc.constant(digest(hex)),
        pushed: fc.integer({ min: 0, max: NOW }),
        subject: fc.option(hexOf.map(digest), { nil: undefined }),
        children: fc.array(hexOf.map(digest), { maxLength: 3 }),
      }),
    ),
  );
  const tagName = fc.oneof(
    fc.constantFrom("1.0", "1.1", "2.0-rc1", "latest", "x"),
    hexOf.map((hex) => digest(hex).replace(":", "-")),
    hexOf.map((hex) => `${digest(hex).replace(":", "-")}.sig`),
  );
  const anyTags = fc.uniqueArray(
    fc.record({
      tag: tagName,
      digest: hexOf.map(digest),
      pushed: fc.integer({ min: 0, max: NOW }),
      pulled: fc.option(fc.integer({ min: 0, max: NOW }), { nil: undefined }),
    }),
    { selector: ({ tag }) => tag, maxLength: 12 },
  );
  const anyRule = fc.record(
    {
      name: fc.constantFrom("one", "two"),
      tags: fc.constantFrom(["**"], ["1.*"], ["x", "sha256-*"]),
      newest: fc.integer({ min: 1, max: 3 }),
      order: fc.constantFrom("pushed", "version"),
      youngerthan: fc.constantFrom("1h", "100h", "900h"),
      pulledwithin: fc.constantFrom("1h", "100h", "900h"),
    },
    { requiredKeys: ["name"] },
  );

  it("never removes what a kept tag, index or referrer needs, and nothing that no rule is for", () => {
    fc.assert(
      fc.property(
        anyManifests,
        anyTags,
        fc.array(anyRule, { maxLength: 3 }),
        fc.boolean(),
        (manifests, tags, rules, age) => {
          const untagged = age ? [{ name: "soon", age: "100h" }] : [];
          const facts: RepositoryFacts = { name: "team/app", tags, manifests, pullsSince: 0 };
          const decision = decide({ rules, untagged }, facts);
          const keptDigests = new Set(decision.manifests.filter(({ kept }) => kept).map((each) => each.digest));
          for (const each of decision.tags.filter(({ kept }) => kept)) expect(keptDigests).toContain(each.digest);
          for (const each of manifests) {
            if (!keptDigests.has(each.digest)) {
              expect(age).toBe(true);
              expect(NOW - each.pushed).toBeGreaterThanOrEqual(100 * HOUR);
              // Nothing that is kept refers to it, and its subject isn't kept.
              if (each.subject !== undefined) expect(keptDigests).not.toContain(each.subject);
              continue;
            }
            for (const child of each.children) expect(keptDigests).toContain(child);
          }
          for (const each of decision.tags.filter(({ kept }) => !kept)) {
            const subject = subjectOfTag(each.tag);
            if (subject !== undefined && age) continue;
            if (subject === undefined) expect(rules.length).toBeGreaterThan(0);
          }
          // Deciding again on what is left removes no more: the newest stay the newest.
          const left = tags.filter(({ tag }) => decision.tags.some((each) => each.tag === tag && each.kept));
          expect(gone(decide({ rules, untagged: [] }, { ...facts, tags: left }))).toEqual([]);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("versions", () => {
  it("are ordered as Semantic Versioning says", () => {
    const ordered = [
      "latest",
      "1.0.0-alpha",
      "1.0.0-alpha.1",
      "1.0.0-alpha.beta",
      "1.0.0-beta",
      "1.0.0-beta.2",
      "1.0.0-beta.11",
      "1.0.0-rc.1",
      "v1.0.0",
      "1.9",
      "1.10-rc1",
      "1.10-rc9",
      "1.10-rc10",
      "1.10",
      "v2",
      "2024.05.01",
    ];
    for (let seed = 0; seed < 20; seed += 1) {
      const shuffled = [...ordered].sort((a, b) => ((a.length * 7 + seed * 13 + b.length) % 5) - 2);
      expect(shuffled.sort(compareVersions)).toEqual(ordered);
    }
  });

  it("have one order, whatever the tags", () => {
    const part = fc.oneof(
      fc.integer({ min: 0, max: 30 }).map(String),
      fc.constantFrom("rc", "rc1", "alpha", "x", "-", ".", "v"),
    );
    const text = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(text, text, text, (a, b, c) => {
        expect(Math.sign(compareVersions(a, b))).toBe(-Math.sign(compareVersions(b, a)) || 0);
        expect(compareVersions(a, b) === 0).toBe(a === b);
        if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0)
          expect(compareVersions(a, c)).toBeLessThanOrEqual(0);
      }),
      { numRuns: 2000 },
    );
  });
});
