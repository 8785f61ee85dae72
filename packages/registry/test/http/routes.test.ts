import type { Access } from "@longshore/auth";
import { describe, expect, it } from "vitest";
import { ROUTES } from "../../src/http/routes.js";
import {
  handlersOf,
  isRoutableName,
  isRoutableReference,
  METHODS,
  pathPattern,
  referenceKind,
} from "../../src/http/route.js";

/** What each method of a repository's routes needs, written down a second time: the table must not drift from it. */
const NEEDS: Readonly<Record<string, readonly string[]>> = {
  GET: ["pull"],
  HEAD: ["pull"],
  POST: ["pull", "push"],
  PUT: ["pull", "push"],
  PATCH: ["pull", "push"],
  DELETE: ["delete"],
  OPTIONS: [],
};

/** Deleting tags by a pattern shows which there are. */
function needsOf(route: string, method: string): readonly string[] | undefined {
  return route === "longshore-repository-tags" && method === "DELETE" ? ["pull", "delete"] : NEEDS[method];
}

const CATALOG = [{ type: "registry", name: "catalog", action: "*" }];

const MAINTENANCE = [{ type: "registry", name: "maintenance", action: "*" }];

/** What the routes without a repository need. */
const REGISTRY_NEEDS: Readonly<Record<string, readonly Access[]>> = {
  base: [],
  catalog: CATALOG,
  "oci-ext-discover": [],
  "longshore-api-openapi": [],
  "longshore-catalog-repositories": CATALOG,
  "longshore-catalog-activity": CATALOG,
  "longshore-maintenance-usage": MAINTENANCE,
  "longshore-maintenance-history": MAINTENANCE,
  "longshore-maintenance-configuration": MAINTENANCE,
  "longshore-maintenance-status": MAINTENANCE,
  "longshore-maintenance-runs": MAINTENANCE,
  "longshore-maintenance-run": MAINTENANCE,
};

/** Those that access control guards; the token endpoint looks at credentials itself. */
const guarded = ROUTES.flatMap((route) => (route.accesses === "own" ? [] : [{ ...route, accesses: route.accesses }]));

const matrix = guarded.flatMap((route) =>
  [...METHODS, "OPTIONS"].map((method) => ({ title: `${method} ${route.path}`, route, method })),
);

describe("every route and method", () => {
  it.each(matrix)("$title needs the access that the contract states", ({ route, method }) => {
    const accesses = route.accesses(method, "a/b", undefined);
    const ofRegistry = REGISTRY_NEEDS[route.name];
    if (ofRegistry !== undefined) expect(accesses).toEqual(ofRegistry);
    else
      expect(accesses).toEqual(
        needsOf(route.name, method)?.map((action) => ({ type: "repository", name: "a/b", action })),
      );
  });

  it.each(matrix)("$title needs to pull from where it mounts", ({ route, method }) => {
    const [without, mounting] = [undefined, "c"].map((from) => route.accesses(method, "a/b", from));
    const actions = route.name === "longshore-repository-moves" ? ["pull", "delete"] : ["pull"];
    const more = route.path.includes("{name}")
      ? actions.map((action) => ({ type: "repository", name: "c", action }))
      : [];
    expect(mounting).toEqual([...(without ?? []), ...more]);
  });

  it("tokens alone look at credentials themselves, at docker_auth's path too, and work on a read-only registry", () => {
    const own = ROUTES.filter(({ accesses }) => accesses === "own");
    expect(own.map(({ name, path }) => [name, path])).toEqual([
      ["token", "/auth"],
      ["token", "/auth/token"],
    ]);
    for (const route of own) expect(handlersOf(route, true)).toEqual(handlersOf(route, false));
  });

  it.each(guarded.filter(({ path }) => path.includes("{name}")))(
    "$path lets nobody do anything for nothing",
    (route) => {
      const handlers = handlersOf(route, false);
      const methods = typeof handlers === "function" ? METHODS : [...handlers.keys()];
      for (const method of methods) expect(route.accesses(method, "a", undefined)).not.toEqual([]);
    },
  );

  it.each(guarded)("$path has no handler that writes on a read-only registry", (route) => {
    const handlers = handlersOf(route, true);
    if (typeof handlers === "function") expect(route.name).toBe("base");
    else expect(["GET", "HEAD"]).toEqual(expect.arrayContaining([...handlers.keys()]));
  });
});

describe("patterns", () => {
  const uuid = "0193-uuid";
  const digest = `sha256:${"a".repeat(64)}`;
  it.each([
    ["/v2/", "base", []],
    ["/v2/_catalog", "catalog", []],
    ["/v2/a/tags/list", "tags", ["a"]],
    ["/v2/a/b/c/tags/list", "tags", ["a/b/c"]],
    ["/v2/tags/list/tags/list", "tags", ["tags/list"]],
    ["/v2/a/manifests/latest", "manifest", ["a", "latest"]],
    ["/v2/manifests/manifests/manifests", "manifest", ["manifests", "manifests"]],
    [`/v2/a/blobs/${digest}`, "blob", ["a", digest]],
    ["/v2/a/blobs/uploads/", "blob-upload", ["a"]],
    [`/v2/a/blobs/uploads/${uuid}`, "blob-upload-chunk", ["a", uuid]],
    [`/v2/blobs/uploads/blobs/uploads/${uuid}`, "blob-upload-chunk", ["blobs/uploads", uuid]],
    [`/v2/a/referrers/${digest}`, "referrers", ["a", digest]],
  ])("%s is %s", (path, name, captures) => {
    const matching = ROUTES.flatMap((route) => {
      const found = pathPattern(route, "/").exec(path);
      const kind = referenceKind(route);
      const isServed = found !== null && (kind === undefined || isRoutableReference(kind, found[2] ?? ""));
      return isServed ? [[route.name, found.slice(1)]] : [];
    });
    expect(matching).toEqual([[name, captures]]);
  });

  it("begin with the prefix, literally", () => {
    const [route] = ROUTES;
    if (route === undefined) throw new Error("no routes");
    const pattern = pathPattern(route, "/reg.x/");
    expect([pattern.test("/reg.x/v2/a/manifests/b"), pattern.test("/regyx/v2/a/manifests/b")]).toEqual([true, false]);
  });

  it("take a hostile path in no time", () => {
    const path = `/v2/${"manifests/".repeat(6000)}!`;
    const begun = process.cpuUsage();
    for (const route of ROUTES) pathPattern(route, "/").test(path);
    expect(process.cpuUsage(begun).user).toBeLessThan(2_000_000);
  });
});

describe("names that get to a handler", () => {
  it.each([
    ["a", true],
    ["library/alpine", true],
    ["FOO/bar", true],
    ["localhost:5000/x", true],
    ["[::1]/x", true],
    ["a".repeat(256), true],
    ["FOO", false],
    ["a//b", false],
    ["a_-b", false],
    ["", false],
  ])("%s: %s", (name, expected) => {
    expect(isRoutableName(name)).toBe(expected);
  });
});
