import { describe, expect, it } from "vitest";
import { parseRepositoryName, parseTagName } from "@longshore/storage";
import { contentOf } from "@longshore/testkit/fixtures";
import { CopyError } from "../../src/configuration.js";
import { createSelection } from "../../src/copy/select.js";

const TAGS = ["v1.0", "v1.1", "latest", `sha256-${"a".repeat(64)}`, `sha256-${"a".repeat(64)}.sig`].map(parseTagName);

describe("a selection", () => {
  it("asks for the catalog only where a pattern needs it", () => {
    expect(createSelection(["team/app"], ["v1"]).needsCatalog).toBe(false);
    const selection = createSelection(["team/*", "other"], ["v1"]);
    expect(selection.needsCatalog).toBe(true);
    expect(selection.names).toEqual(["other"]);
    expect(selection.isWantedRepository(parseRepositoryName("team/app"))).toBe(true);
    expect(selection.isWantedRepository(parseRepositoryName("team/app/deep"))).toBe(false);
  });

  it("takes tags by pattern, and those that are attached only by their name", () => {
    expect(createSelection(["a"], ["*"]).references(TAGS)).toEqual(["v1.0", "v1.1", "latest"]);
    expect(createSelection(["a"], ["v*"]).references(TAGS)).toEqual(["v1.0", "v1.1"]);
    const signature = `sha256-${"a".repeat(64)}.sig`;
    expect(createSelection(["a"], [signature]).references(TAGS)).toEqual([signature]);
  });

  it("takes digests, and tags that aren't listed", () => {
    const { digest } = contentOf("x");
    expect(createSelection(["a"], [digest, "hidden"]).references([])).toEqual(["hidden", digest]);
  });

  it.each([
    [["Not/A/Name!"], ["*"]],
    [["a"], ["no tag"]],
    [["a\\"], ["*"]],
  ])("refuses %j with %j", (repositories, tags) => {
    expect(() => createSelection(repositories, tags)).toThrow(CopyError);
  });
});
