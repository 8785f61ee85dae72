import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { EXAMPLES } from "../../src/config/reference/examples.js";
import { DISTRIBUTION_KEYS } from "../../src/config/reference/distribution-keys.js";
import { pathOf } from "../../src/config/reference/distribution-table.js";
import { GENERATED } from "../../src/config/reference/generated.js";
import { jsonSchema } from "../../src/config/reference/json-schema.js";
import { configurationReference } from "../../src/config/reference/markdown.js";
import { root } from "../../src/config/schema/root.js";
import { type Shape, shapeOf, walkKeys } from "@longshore/options/shape";
import { formatPath } from "../../src/config/yaml/tree.js";
import { errorsOf, warningsOf } from "./support.js";

const PROJECT = new URL("../../../../", import.meta.url);

describe("what is generated from the schema", () => {
  it.each(GENERATED.map(({ path, text }) => [path, text] as const))(
    "%s is up to date (npm run schema)",
    async (path, text) => {
      const current = await readFile(new URL(path, PROJECT), "utf8");
      expect(current).toBe(text(current));
    },
  );

  it("the editors' schema describes every key and no others", () => {
    const object = z.looseObject({
      type: z.unknown(),
      additionalProperties: z.unknown(),
      required: z.array(z.string()),
      properties: z.record(z.string(), z.unknown()),
    });
    const schema = object.parse(JSON.parse(jsonSchema()));
    expect(schema.required).toEqual(["version", "storage"]);
    expect(schema.additionalProperties).toBe(false);
    expect(Object.keys(schema.properties)).toEqual(
      expect.arrayContaining(["log", "storage", "http", "auth", "redis", "proxy"]),
    );
    expect(schema.properties["http"]).toMatchObject({
      properties: {
        relativeurls: { type: "boolean", default: false, description: expect.stringContaining("URLs") as string },
      },
    });
  });

  it("the reference has a line for every key that works here", () => {
    const text = configurationReference();
    for (const name of [
      "http.limits.bodyidletimeout",
      "storage.cache.manifestbytes",
      "storage.cache.sharedmanifestsize",
      "health.http[].statuscode",
      "log.accesslog.disabled",
    ]) {
      expect(text).toContain(`- \`${name}\` (`);
    }
    expect(text).toContain("`REGISTRY_HEALTH_FILECHECKERS`");
  });

  it("the reference has an example for every section that works here", () => {
    const text = configurationReference();
    const headings = [...text.matchAll(/^##+ (\S+)$/gm)].map(([, heading = ""]) => heading);
    expect(Object.keys(EXAMPLES).filter((path) => !headings.includes(path))).toEqual([]);
    const without = ["Rules", "version", "loglevel", "proxy", "compatibility", "reporting"];
    const sections = [...text.matchAll(/^## (\S+)$/gm)].map(([, heading = ""]) => heading);
    expect(sections.filter((path) => !without.includes(path) && !(path in EXAMPLES))).toEqual([]);
  });

  it.each(Object.entries(EXAMPLES))("the example of %s is accepted", (_path, example) => {
    const given = z.record(z.string(), z.unknown()).parse(parse(example));
    const storage = z.record(z.string(), z.unknown()).default({}).parse(given["storage"]);
    const driver = ["filesystem", "s3", "azure", "gcs"].some((name) => name in storage) ? {} : { inmemory: {} };
    const auth =
      "access" in given && !("tokenserver" in given)
        ? { auth: { htpasswd: { realm: "Registry", path: "htpasswd" } } }
        : {};
    const text = stringify({ version: 0.1, ...auth, ...given, storage: { ...storage, ...driver } });
    expect([...errorsOf(text), ...warningsOf(text)]).toEqual([]);
  });

  it("every key has a meaning", () => {
    const silent: string[] = [];
    walkKeys(root, (path, { info }) => {
      if (!info || info.meaning === "") silent.push(path.join("."));
      return info?.unsupported?.when !== "present";
    });
    expect(silent).toEqual([]);
  });
});

describe("the keys of Distribution's configuration", () => {
  const known = DISTRIBUTION_KEYS.flatMap(({ section, keys }) => keys.map((key) => formatPath(pathOf(section, key))));

  it.each(known)("%s is declared", (key) => {
    expect(declared().keys()).toContain(key);
  });

  it("are all that isn't marked as Longshore's own", () => {
    const others = [...declared()].filter(([path, isKey]) => isKey && !known.includes(path)).map(([path]) => path);
    expect(others).toEqual([]);
  });

  it("are listed once for each release", () => {
    expect(known).toHaveLength(new Set(known).size);
  });
});

/** Every path of the schema that isn't ours alone, and whether it is a key rather than a section with keys of its own. */
function declared(): Map<string, boolean> {
  const paths = new Map<string, boolean>();
  walkKeys(root, (path, shape) => {
    if (shape.info?.ours === true) return false;
    paths.set(formatPath(path), !hasKeys(shape));
    return true;
  });
  return paths;
}

function hasKeys(shape: Shape): boolean {
  if (shape.kind === "list") return hasKeys(shapeOf(shape.item));
  return shape.kind === "struct" && shape.fields.size > 0;
}
