import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parsePath, type StoredFile } from "../../src/layout/parse.js";
import * as paths from "../../src/layout/paths.js";
import { DIGEST_ALGORITHMS, digestOf, parseDigest } from "../../src/model/digest.js";
import { parseRepositoryName } from "../../src/model/repository-name.js";
import { parseTagName } from "../../src/model/tag.js";

const name = parseRepositoryName("library/alpine");
const hex = "ab".repeat(32);
const digest = parseDigest(`sha256:${hex}`);
const tag = parseTagName("v1.0");

const names = fc
  .stringMatching(/^[a-z0-9]{1,6}((\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}(\/[a-z0-9]{1,6}){0,3}$/)
  .map(parseRepositoryName);
const tags = fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20}$/).map(parseTagName);
const digests = fc
  .tuple(fc.uint8Array({ maxLength: 4 }), fc.constantFrom(...DIGEST_ALGORITHMS))
  .map(([bytes, algorithm]) => digestOf(bytes, algorithm));
const uuids = fc.stringMatching(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,40}$/);
const claims = fc.stringMatching(/^[A-Za-z0-9_-]{1,40}$/);
const offsets = fc.nat({ max: Number.MAX_SAFE_INTEGER });

const files: fc.Arbitrary<StoredFile> = fc.oneof(
  fc.record({ kind: fc.constant("blob-data" as const), digest: digests }),
  fc.record({ kind: fc.constant("layer-link" as const), name: names, digest: digests }),
  fc.record({ kind: fc.constant("revision-link" as const), name: names, digest: digests }),
  fc.record({ kind: fc.constant("tag-current-link" as const), name: names, tag: tags }),
  fc.record({ kind: fc.constant("tag-index-link" as const), name: names, tag: tags, digest: digests }),
  fc.record({ kind: fc.constant("referrers-indexed" as const), name: names }),
  fc.record({ kind: fc.constant("repository-removed" as const), name: names }),
  fc.record({ kind: fc.constant("referrer-link" as const), name: names, subject: digests, referrer: digests }),
  fc.record({ kind: fc.constant("upload-startedat" as const), name: names, uuid: uuids }),
  fc.record({ kind: fc.constant("upload-data" as const), name: names, uuid: uuids }),
  fc.record({ kind: fc.constant("upload-state" as const), name: names, uuid: uuids }),
  fc.record({
    kind: fc.constantFrom(
      "upload-claimed-data" as const,
      "upload-copy" as const,
      "upload-taken-mark" as const,
      "upload-segment" as const,
    ),
    name: names,
    uuid: uuids,
    claim: claims,
  }),
  fc.record({
    kind: fc.constant("upload-digest" as const),
    name: names,
    uuid: uuids,
    algorithm: fc.constantFrom(...DIGEST_ALGORITHMS),
    offset: offsets,
  }),
);

function pathOf(file: StoredFile): string {
  switch (file.kind) {
    case "blob-data":
      return paths.blobData(file.digest);
    case "layer-link":
      return paths.layerLink(file.name, file.digest);
    case "revision-link":
      return paths.revisionLink(file.name, file.digest);
    case "tag-current-link":
      return paths.tagCurrentLink(file.name, file.tag);
    case "tag-index-link":
      return paths.tagIndexLink(file.name, file.tag, file.digest);
    case "repository-removed":
      return paths.repositoryRemoved(file.name);
    case "referrers-indexed":
      return paths.referrersIndexed(file.name);
    case "referrer-link":
      return paths.referrerLink(file.name, file.subject, file.referrer);
    case "upload-startedat":
      return paths.uploadStartedAt(file.name, file.uuid);
    case "upload-data":
      return paths.uploadData(file.name, file.uuid);
    case "upload-state":
      return paths.uploadState(file.name, file.uuid);
    case "upload-segment":
      return paths.uploadSegment(file.name, file.uuid, file.claim);
    case "upload-claimed-data":
      return paths.uploadClaimedData(file.name, file.uuid, file.claim);
    case "upload-copy":
      return paths.uploadCopy(file.name, file.uuid, file.claim);
    case "upload-taken-mark":
      return paths.uploadTakenMark(file.name, file.uuid, file.claim);
    case "upload-digest":
      return paths.uploadDigest(file.name, file.uuid, file.algorithm, file.offset);
  }
}

describe("paths below the root", () => {
  it("are Distribution's, byte for byte", () => {
    const repository = "/docker/registry/v2/repositories/library/alpine";
    expect(paths.blobData(digest)).toBe(`/docker/registry/v2/blobs/sha256/ab/${hex}/data`);
    expect(paths.layerLink(name, digest)).toBe(`${repository}/_layers/sha256/${hex}/link`);
    expect(paths.revisionLink(name, digest)).toBe(`${repository}/_manifests/revisions/sha256/${hex}/link`);
    expect(paths.tagCurrentLink(name, tag)).toBe(`${repository}/_manifests/tags/v1.0/current/link`);
    expect(paths.tagIndexLink(name, tag, digest)).toBe(`${repository}/_manifests/tags/v1.0/index/sha256/${hex}/link`);
    expect(paths.uploadStartedAt(name, "u-1")).toBe(`${repository}/_uploads/u-1/startedat`);
    expect(paths.uploadData(name, "u-1")).toBe(`${repository}/_uploads/u-1/data`);
    expect(paths.uploadHashStatesDirectory(name, "u-1")).toBe(`${repository}/_uploads/u-1/hashstates`);
  });

  it("are ours only where Distribution doesn't look", () => {
    const repository = "/docker/registry/v2/repositories/library/alpine";
    expect(paths.referrersIndexed(name)).toBe(`${repository}/_manifests/referrers/indexed`);
    expect(paths.referrerLink(name, digest, digest)).toBe(
      `${repository}/_manifests/referrers/sha256/${hex}/sha256/${hex}/link`,
    );
    expect(paths.uploadClaimedData(name, "u-1", "c2")).toBe(`${repository}/_uploads/u-1/data.c2`);
    expect(paths.uploadDigest(name, "u-1", "sha512", 42)).toBe(`${repository}/_uploads/u-1/digests/sha512/42`);
    expect(paths.uploadState(name, "u-1")).toBe(`${repository}/_uploads/u-1/state`);
    expect(paths.uploadSegment(name, "u-1", "s3")).toBe(`${repository}/_uploads/u-1/segment.s3`);
  });

  it("parse to what they were built from", () => {
    fc.assert(fc.property(files, (file) => void expect(parsePath(pathOf(file))).toEqual(file)));
  });

  it("differ for different files", () => {
    fc.assert(
      fc.property(files, files, (one, other) => {
        expect(pathOf(one) === pathOf(other)).toBe(fc.stringify(one) === fc.stringify(other));
      }),
    );
  });

  it("stay below the root, in characters that a driver accepts", () => {
    fc.assert(
      fc.property(files, (file) => {
        const path = pathOf(file);
        expect(path).toMatch(/^\/docker\/registry\/v2(\/[A-Za-z0-9._-]+)+$/);
        expect(path.split("/")).not.toContain("..");
        expect(path.split("/")).not.toContain(".");
      }),
    );
  });

  it("don't exist for an upload id or claim that could lead elsewhere", () => {
    for (const bad of ["", ".", "..", "../x", "a/b", "a\0", "=", "é", "a".repeat(200)]) {
      expect(() => paths.uploadDirectory(name, bad)).toThrow(expect.objectContaining({ code: "UPLOAD_UNKNOWN" }));
      expect(() => paths.uploadClaimedData(name, "u", bad)).toThrow(
        expect.objectContaining({ code: "UPLOAD_TAKEN_OVER" }),
      );
    }
    expect(() => paths.uploadDigest(name, "u", "sha256", -1)).toThrow(RangeError);
    expect(() => paths.uploadDigest(name, "u", "sha256", 0.5)).toThrow(RangeError);
  });
});

describe("parsePath", () => {
  it("never throws, and only accepts paths that paths.ts would build", () => {
    const segment = fc.oneof(
      fc.constantFrom(
        "_layers",
        "_manifests",
        "_uploads",
        "revisions",
        "tags",
        "link",
        "data",
        "sha256",
        hex,
        "a",
        "..",
        "",
      ),
      fc.string({ maxLength: 5 }),
    );
    const root = fc.constantFrom(paths.BLOBS_DIRECTORY, paths.REPOSITORIES_DIRECTORY, paths.ROOT, "");
    fc.assert(
      fc.property(root, fc.array(segment, { maxLength: 8 }), (start, segments) => {
        const path = [start, ...segments].join("/");
        const file = parsePath(path);
        if (file !== undefined) expect(pathOf(file)).toBe(path);
      }),
    );
  });

  it("ignores leftovers and what only Distribution writes", () => {
    for (const path of [
      `${paths.revisionLink(name, digest)}.0190.tmp`,
      `${paths.revisionDirectory(name, digest)}/signatures/sha256/${hex}/link`,
      `${paths.uploadHashStatesDirectory(name, "u")}/sha256/10`,
      `${paths.blobDirectory(digest)}/data.tmp`,
      `${paths.BLOBS_DIRECTORY}/sha256/00/${hex}/data`,
      `${paths.uploadDigestsDirectory(name, "u")}/sha256/007`,
      "/scheduler-state.json",
    ]) {
      expect(parsePath(path), path).toBeUndefined();
    }
  });
});
