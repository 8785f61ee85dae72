import type { Digest, Platform } from "@longshore/storage";
import type { ManifestFacts, Part } from "./facts.js";

/** Makes facts share what they have in common. */
export type ShareFacts = (facts: ManifestFacts) => ManifestFacts;

/**
 * Manifests of a repository mostly have the same layers, platforms and types, and each that is read has texts of its own for them: shared,
 * the facts of many take half the memory. What is returned shares with all that it has returned before; forget it when they are read.
 */
export function shareFacts(): ShareFacts {
  const digests = new Map<Digest, Part>();
  const platforms = new Map<string, readonly Platform[]>();
  const texts = new Map<string, string>();
  const textOf = (text: string): string => {
    const known = texts.get(text);
    if (known === undefined) texts.set(text, text);
    return known ?? text;
  };
  const partOf = (part: Part): Part => {
    const known = digests.get(part.digest);
    if (known?.size === part.size) return known;
    // A digest that is given another size by another manifest.
    const shared = known === undefined ? part : { digest: known.digest, size: part.size };
    digests.set(part.digest, shared);
    return shared;
  };
  const platformsOf = (list: readonly Platform[]): readonly Platform[] => {
    const key = JSON.stringify(list);
    const known = platforms.get(key);
    if (known === undefined) platforms.set(key, list);
    return known ?? list;
  };
  return (facts) => ({
    ...facts,
    mediaType: textOf(facts.mediaType),
    artifactType: facts.artifactType === undefined ? undefined : textOf(facts.artifactType),
    blobs: facts.blobs.map(partOf),
    children: facts.children.map(partOf),
    platforms: platformsOf(facts.platforms),
  });
}
