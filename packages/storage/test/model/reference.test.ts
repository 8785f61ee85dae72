import { describe, expect, it } from "vitest";
import { parseReference } from "../../src/model/reference.js";

function errorOf(text: string): unknown {
  try {
    return parseReference(text);
  } catch (error) {
    return error;
  }
}

describe("a reference", () => {
  it("is a tag or a digest", () => {
    const digest = `sha256:${"0".repeat(64)}`;
    expect(parseReference("v1.0")).toEqual({ kind: "tag", tag: "v1.0" });
    expect(parseReference(digest)).toEqual({ kind: "digest", digest });
    expect(parseReference(`sha512:${"0".repeat(128)}`)).toMatchObject({ kind: "digest" });
  });

  it.each(["sha256:abc", "sha256:", "md5:d41d8cd98f00b204e9800998ecf8427e", `sha256:${"A".repeat(64)}`, ":"])(
    "is never mistaken for a tag if it looks like a digest: %s",
    (text) => expect(errorOf(text)).toMatchObject({ code: "DIGEST_INVALID" }),
  );

  it.each(["", ".hidden", "-x", "a/b", "a b", "x".repeat(129)])("is not a valid tag: %j", (text) =>
    expect(errorOf(text)).toMatchObject({ code: "TAG_INVALID" }),
  );
});
