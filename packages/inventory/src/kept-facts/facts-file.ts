import { isDigest, type Digest, type Platform } from "@longshore/storage";
import type { ManifestFacts, Part } from "../documents/facts.js";
import { array, count, parseValue, record, refuse, text, time } from "../shared/values.js";

/** A part: the number of its digest among the file's words, and its size. */
type StoredPart = readonly [word: number, size: number];

/** Facts as a file has them: with the numbers of words instead of digests and media types, most of which occur often. */
interface StoredFacts {
  readonly digest: number;
  readonly mediaType: number;
  readonly artifactType?: number | undefined;
  readonly bytes: number;
  readonly blobs: readonly StoredPart[];
  readonly children: readonly StoredPart[];
  readonly platforms: readonly Platform[];
  readonly created?: number | undefined;
  readonly subject?: number | undefined;
}

/** One JSON text for `facts`. */
export function encodeFacts(facts: readonly ManifestFacts[]): Uint8Array {
  const words = new Map<string, number>();
  const numberOf = (word: string): number => {
    const number = words.get(word) ?? words.size;
    words.set(word, number);
    return number;
  };
  const optional = (word: string | undefined): number | undefined => (word === undefined ? undefined : numberOf(word));
  const partsOf = (parts: readonly Part[]): readonly StoredPart[] =>
    parts.map(({ digest, size }) => [numberOf(digest), size]);
  const stored = facts.map((each): StoredFacts => ({
    digest: numberOf(each.digest),
    mediaType: numberOf(each.mediaType),
    artifactType: optional(each.artifactType),
    bytes: each.bytes,
    blobs: partsOf(each.blobs),
    children: partsOf(each.children),
    platforms: each.platforms,
    created: each.created,
    subject: optional(each.subject),
  }));
  return Buffer.from(JSON.stringify({ words: [...words.keys()], facts: stored }));
}

/** The inverse of {@link encodeFacts}; undefined for anything else. */
export function decodeFacts(bytes: Uint8Array): readonly ManifestFacts[] | undefined {
  return parseValue(Buffer.from(bytes).toString("utf8"), (value) => {
    const { words, facts } = record(value);
    const texts = array(words).map(text);
    const wordAt = (number: unknown): string => text(texts[count(number)]);
    const digestAt = (number: unknown): Digest => {
      const word = wordAt(number);
      return isDigest(word) ? word : refuse();
    };
    return array(facts).map((each) => factsOf(record(each), wordAt, digestAt));
  });
}

function factsOf(
  stored: Readonly<Record<string, unknown>>,
  wordAt: (number: unknown) => string,
  digestAt: (number: unknown) => Digest,
): ManifestFacts {
  const { digest, mediaType, artifactType, bytes, blobs, children, platforms, created, subject } = stored;
  const partOf = (value: unknown): Part => {
    const [word, size] = array(value);
    return { digest: digestAt(word), size: count(size) };
  };
  return {
    digest: digestAt(digest),
    mediaType: wordAt(mediaType),
    artifactType: artifactType === undefined ? undefined : wordAt(artifactType),
    bytes: count(bytes),
    blobs: array(blobs).map(partOf),
    children: array(children).map(partOf),
    platforms: array(platforms).map(platformOf),
    created: created === undefined ? undefined : time(created),
    subject: subject === undefined ? undefined : digestAt(subject),
    isFinal: true,
  };
}

function platformOf(value: unknown): Platform {
  const { os, architecture, variant, "os.version": version, "os.features": features } = record(value);
  return {
    os: text(os),
    architecture: text(architecture),
    ...(variant === undefined ? {} : { variant: text(variant) }),
    ...(version === undefined ? {} : { "os.version": text(version) }),
    ...(features === undefined ? {} : { "os.features": array(features).map(text) }),
  };
}
