import { describe, expect, it } from "vitest";
import { fileLines, growFiles, matchingFiles } from "../src/lib/file-tree.js";
import { createHidden } from "../src/lib/hidden.js";
import { visible } from "../src/lib/visible.js";

const file = (path: string, size = 1) => ({ path, type: "file", size });
const folder = (path: string) => ({ path, type: "directory", size: 0 });

describe("what later layers hide", () => {
  const hidden = createHidden();
  hidden.add(1, [
    { path: "etc/passwd", type: "file" },
    { path: "etc", type: "directory" },
    { path: "usr/local", type: "file", removes: "path" },
    { path: "var", type: "file", removes: "contents" },
    { path: "opt", type: "symlink" },
    { path: "was-file", type: "directory" },
  ]);
  hidden.add(2, [
    { path: "etc/passwd", type: "file", removes: "path" },
    { path: "late", type: "file", removes: "path" },
    { path: "", type: "file", removes: "contents" },
  ]);

  it.each([
    ["etc/passwd", "file", { layer: 1, how: "replaced" }],
    ["usr/local", "directory", { layer: 1, how: "removed" }],
    ["usr/local/bin/tool", "file", { layer: 1, how: "removed" }],
    ["usr/localhost", "file", { layer: 2, how: "removed" }],
    ["var/log/messages", "file", { layer: 1, how: "removed" }],
    ["opt/tool/bin", "file", { layer: 1, how: "removed" }],
    ["opt", "directory", { layer: 1, how: "replaced" }],
    ["was-file", "file", { layer: 1, how: "replaced" }],
    ["late", "file", { layer: 2, how: "removed" }],
  ] as const)("%s, a %s", (path, type, expected) => {
    expect(hidden.of({ path, type })).toEqual(expected);
  });

  it("not a directory that is in both, nor anything before a layer is read", () => {
    const both = createHidden();
    expect(both.of(file("a"))).toBeUndefined();
    both.add(1, [folder("etc"), { path: "var", type: "file", removes: "contents" }]);
    expect(both.of(folder("etc"))).toBeUndefined();
    expect(both.of(folder("var"))).toBeUndefined();
    expect(both.of(file("etc/hosts"))).toBeUndefined();
  });
});

describe("the tree of a layer's files", () => {
  it("has folders first, with what is in them, as far as they are unfolded", () => {
    const root = growFiles([file("b", 5), folder("a"), file("a/x", 2), file("no/entry/y", 3)]);
    expect([root.size, root.files]).toEqual([10, 3]);
    const shown = fileLines(root, new Set(["a", "no"])).map(
      ({ node, depth }) => `${" ".repeat(depth)}${node.label}${node.isFolder ? "/" : ""} ${node.size}`,
    );
    expect(shown).toEqual(["a/ 2", " x 2", "no/ 3", " entry/ 3", "b 5"]);
  });

  it("makes the nodes of a folder when it is opened", () => {
    let reads = 0;
    const counted = (path: string) => ({
      ...file(path),
      // A node reads it once.
      get path() {
        reads += 1;
        return path;
      },
    });
    const tree = growFiles(Array.from({ length: 5000 }, (_, index) => counted(`${index}/${"a/".repeat(40)}end`)));
    const before = reads;
    const lines = fileLines(tree, new Set(["7", "7/a"]));
    expect([lines.length, reads - before]).toEqual([5002, 5002]);
  });

  it("takes whatever a tar may have", () => {
    const entries = [
      file("../../etc/shadow"),
      file("__proto__/constructor"),
      file("a"),
      file("a/b"),
      file("a"),
      file(""),
      file(Array.from({ length: 40_000 }, () => "d").join("/")),
      ...Array.from({ length: 50_000 }, (_, index) => file(`many/${index}`)),
    ];
    const root = growFiles(entries);
    expect(root.files).toBe(50_004);
    const lines = fileLines(root, new Set(["many", "..", "../..", "__proto__", "a"]));
    expect(lines.map(({ node }) => node.path)).toEqual(
      expect.arrayContaining(["../../etc", "__proto__/constructor", "a/b", "many/49999"]),
    );
    const deep = growFiles([file(Array.from({ length: 40_000 }, () => "d").join("/"))]);
    expect(createHidden().of(file("d/".repeat(40_000)))).toBeUndefined();
    expect(deep.files).toBe(1);
    expect(matchingFiles(entries, "SHADOW")).toHaveLength(1);
  });
});

describe("names with invisible characters", () => {
  it.each([
    ["plain name.txt", "plain name.txt"],
    ["\u001b[31mred", "\\u{1b}[31mred"],
    ["invoice\u202efdp.exe", "invoice\\u{202e}fdp.exe"],
    ["zero\u200bwidth\n", "zero\\u{200b}width\\u{a}"],
    ["\ud800 alone", "\\u{d800} alone"],
    ["日本語 ñ 🚢", "日本語 ñ 🚢"],
  ])("%j", (text, expected) => {
    expect(visible(text)).toBe(expected);
  });
});
