import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { z } from "zod";
import { ROOT } from "./markdown.js";

const manifest = z.object({ dependencies: z.record(z.string(), z.string()).default({}) });

const packages = await readdir(join(ROOT, "packages"));

it.each(packages)("docs/dependencies.md gives a reason for each library of %s", async (name) => {
  const text = await readFile(join(ROOT, "packages", name, "package.json"), "utf8");
  const page = await readFile(join(ROOT, "docs/dependencies.md"), "utf8");
  const named = new Set(
    page
      .split("\n")
      .filter((line) => line.startsWith("| ") || line.startsWith("- "))
      .flatMap((line) => line.match(/[@\w][\w./-]*/g) ?? []),
  );
  const libraries = Object.keys(manifest.parse(JSON.parse(text)).dependencies);
  expect(libraries.filter((library) => !library.startsWith("@longshore/") && !named.has(library))).toEqual([]);
});
