import { describe, expect, it } from "vitest";
import { contentOf } from "@longshore/testkit/fixtures";
import { parseRepositoryName } from "@longshore/storage";
import { CopyError, parseDestination, parseSource, renameFor } from "../../src/configuration.js";

const { digest } = contentOf("x");

describe("a source", () => {
  it.each([
    ["docker.io/library/alpine:3.20", "https://docker.io", "library/alpine", ["3.20"]],
    ["docker.io/alpine", "https://docker.io", "library/alpine", ["*"]],
    ["quay.io/team/**:v*,latest", "https://quay.io", "team/**", ["v*", "latest"]],
    ["localhost:5000/app", "https://localhost:5000", "app", ["*"]],
    ["http://127.0.0.1:5000/app:v1", "http://127.0.0.1:5000", "app", ["v1"]],
    ["docker://ghcr.io/org/app", "https://ghcr.io", "org/app", ["*"]],
    [`ghcr.io/org/app@${digest}`, "https://ghcr.io", "org/app", [digest]],
    [`ghcr.io/org/app:v1@${digest}`, "https://ghcr.io", "org/app", [digest]],
  ])("%s", (text, remoteurl, repository, tags) => {
    expect(parseSource(text)).toEqual({ remoteurl, repository, tags });
  });

  it.each(["alpine", "library/alpine", "https://", "quay.io/", "http:///x", "ghcr.io/app@sha256:1"])(
    "isn't %s",
    (text) => {
      expect(() => parseSource(text)).toThrow(CopyError);
    },
  );
});

describe("a destination", () => {
  it.each([
    ["team/alpine", undefined, "team/alpine", undefined],
    ["docker.io/library/alpine:stable", undefined, "docker.io/library/alpine", "stable"],
    [".", undefined, undefined, undefined],
    ["https://other.example", "https://other.example", undefined, undefined],
    ["https://other.example/mirror/app:v1", "https://other.example", "mirror/app", "v1"],
    ["http://127.0.0.1:5000/app", "http://127.0.0.1:5000", "app", undefined],
  ])("%s", (text, remoteurl, name, tag) => {
    expect(parseDestination(text)).toEqual({ remoteurl, name, tag });
  });

  it.each(["", "Not A Name", "a:b,c", "../x", "a:t@g"])("isn't %s", (text) => {
    expect(() => parseDestination(text)).toThrow(CopyError);
  });

  it("is one name for one repository, and stands before the names of several", () => {
    const app = parseRepositoryName("team/app");
    const mirror = parseRepositoryName("mirror");
    expect(renameFor("team/app", mirror)(app)).toBe("mirror");
    expect(renameFor("team/*", mirror)(app)).toBe("mirror/team/app");
    expect(renameFor("team/*", undefined)(app)).toBe("team/app");
  });
});
