import { parseTagName, splitDigest, type Digest, type TagName } from "@longshore/storage";
import type { ManifestEntry, ReferrerEntry, ReferrerKind, RepositoryEntry, TagEntry, TagSort } from "../contract.js";
import type { UseOf } from "../activity/activity.js";
import { pusherOf } from "../activity/use.js";
import type { ManifestState, RepositoryDocument, TagState } from "../documents/document.js";
import type { ManifestFacts } from "../documents/facts.js";
import type { SortKey } from "./page.js";

/** Undefined if the repository is empty. */
export function repositoryEntry(document: RepositoryDocument): RepositoryEntry | undefined {
  const { name, tags, manifests } = document;
  if (manifests.size === 0) return undefined;
  let size = 0;
  for (const bytes of document.parts().values()) size += bytes;
  let pushed = 0;
  for (const state of [...tags.values(), ...manifests.values()]) pushed = Math.max(pushed, state.pushed);
  return { name, tags: tags.size, manifests: manifests.size, size, pushed };
}

export function tagEntry(
  document: RepositoryDocument,
  tag: TagName,
  { digest, pushed }: TagState,
  useOf: UseOf,
): TagEntry {
  const use = useOf(tag);
  const state = document.manifests.get(digest);
  const manifest = state && manifestEntry(document, state, useOf);
  return {
    tag,
    digest,
    pushed,
    pushedBy: pusherOf(use, digest),
    pulled: use?.pulled,
    uniqueSize: document.uniqueSizeOf(digest),
    manifest,
  };
}

export function manifestEntry(
  document: RepositoryDocument,
  { facts, pushed }: ManifestState,
  useOf: UseOf,
): ManifestEntry {
  const { digest, mediaType, artifactType, bytes, subject } = facts;
  const use = useOf(digest);
  return {
    digest,
    mediaType,
    artifactType,
    bytes,
    size: document.sizeOf(digest),
    platforms: facts.platforms,
    created: createdOf(document, facts),
    pushed,
    pushedBy: pusherOf(use, digest),
    pulled: use?.pulled,
    subject,
    children: facts.children.map((child) => child.digest),
    tags: document.tagsOf(digest),
  };
}

function createdOf(document: RepositoryDocument, { created, children }: ManifestFacts): number | undefined {
  const times = children.map((child) => document.manifests.get(child.digest)?.facts.created);
  return [created, ...times].reduce((newest, time) => (time === undefined || time < (newest ?? 0) ? newest : time));
}

/** By what tags are sorted; what isn't known counts as oldest. Undefined: by their names. */
export function tagKey(
  document: RepositoryDocument,
  useOf: UseOf,
  sort: TagSort,
): ((tag: TagName) => SortKey) | undefined {
  const stateOf = (tag: TagName): ManifestState | undefined => {
    const state = document.tags.get(tag);
    return state && document.manifests.get(state.digest);
  };
  switch (sort) {
    case "name":
      return undefined;
    case "version":
      return (tag) => document.versionKeyOf(tag);
    case "pushed":
      return (tag) => document.tags.get(tag)?.pushed ?? 0;
    case "pulled":
      return (tag) => useOf(tag)?.pulled ?? 0;
    case "created":
      return (tag) => {
        const state = stateOf(tag);
        return (state && createdOf(document, state.facts)) ?? 0;
      };
    case "size":
      return (tag) => {
        const state = stateOf(tag);
        return state === undefined ? 0 : document.sizeOf(state.facts.digest);
      };
  }
}

/** What refers to `subject`: manifests that name it, and those under cosign's tags for it; in the order of digests. */
export function referrerEntries(document: RepositoryDocument, subject: Digest): readonly ReferrerEntry[] {
  const found: ReferrerEntry[] = [];
  for (const { facts } of document.manifests.values()) {
    if (facts.subject === subject) found.push({ kind: kindOf(facts), ...describe(facts) });
  }
  const { algorithm, hex } = splitDigest(subject);
  for (const [suffix, kind] of COSIGN_TAGS) {
    const tag = parseTagName(`${algorithm}-${hex}.${suffix}`);
    const state = document.tags.get(tag);
    const manifest = state && document.manifests.get(state.digest);
    if (manifest !== undefined) found.push({ kind, ...describe(manifest.facts), tag });
  }
  return found.sort((a, b) => (a.digest < b.digest ? -1 : 1));
}

const describe = ({ digest, artifactType, bytes }: ManifestFacts) => ({ digest, artifactType, bytes });

/** The tags under which cosign stores what belongs to an image, by their ends. */
const COSIGN_TAGS: readonly (readonly [string, ReferrerKind])[] = [
  ["sig", "signature"],
  ["att", "attestation"],
  ["sbom", "sbom"],
];

/** Words in artifact types, the first that fits decides: `application/vnd.dev.cosign.artifact.sig.v1+json`, `application/spdx+json`. */
const KINDS: readonly (readonly [RegExp, ReferrerKind])[] = [
  [/spdx|cyclonedx|sbom|syft/i, "sbom"],
  [/in-toto|attestation|\batt\b|provenance|slsa/i, "attestation"],
  [/signature|\bsig\b|notary|simplesigning|sigstore\.bundle/i, "signature"],
];

function kindOf({ artifactType = "" }: ManifestFacts): ReferrerKind {
  return KINDS.find(([pattern]) => pattern.test(artifactType))?.[1] ?? "other";
}
