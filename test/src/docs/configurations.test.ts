import { loadConfig } from "@longshore/registry";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { readPages } from "./markdown.js";

const map = z.record(z.string(), z.unknown());
/** A block with YAML of another program. */
const OTHER = "other";

const examples = (await readPages()).flatMap(({ path, blocks }) =>
  blocks
    .filter(({ language, words }) => language === "yaml" && !words.includes(OTHER))
    .map((block) => [`${path}:${String(block.line)}`, block.text] as const),
);

describe("configurations shown in the documentation", () => {
  it.each(examples)("are accepted: %s", (file, text) => {
    expect(findingsIn(file, text)).toEqual([]);
  });

  it("are refused with a key that isn't known, or a wrong value", () => {
    expect(findingsIn("x.yml", "http: { adr: :5000 }")).toHaveLength(1);
    expect(findingsIn("x.yml", "http: { draintimeout: soon }")).toHaveLength(1);
  });
});

function findingsIn(file: string, text: string) {
  const machine = { cores: 2 };
  const complete = stringify(completed(text.replaceAll("…", "example")));
  const { errors, warnings } = loadConfig({ text: complete, file, environment: {}, machine });
  return [...errors, ...warnings];
}

/** An example of one section becomes a whole file. */
function completed(text: string): Record<string, unknown> {
  const given = map.parse(parse(text) ?? {});
  const storage = map.safeParse(given["storage"]).data ?? {};
  const drivers = ["filesystem", "inmemory", "s3", "azure", "gcs"];
  const driver = drivers.some((name) => name in storage) ? {} : { inmemory: {} };
  // Rules need something that says who a client is, and the token server needs rules.
  const hasServer = "tokenserver" in given;
  const access = hasServer ? { access: [{ match: {}, actions: ["pull"] }] } : {};
  const auth = "access" in given && !hasServer ? { auth: { htpasswd: { realm: "example", path: "passwords" } } } : {};
  return { version: 0.1, ...auth, ...access, ...given, storage: { ...storage, ...driver } };
}
