import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { startApi, type RunningApi } from "@longshore/testkit/start-registry";
import { OPERATIONS } from "../../../src/http/extension/operations.js";
import { documentOf } from "./support.js";

describe("what the extension API says about itself", () => {
  let api: RunningApi;
  beforeAll(async () => void (api = await startApi()));
  afterAll(() => api.stop());

  it("lists its endpoints as the specification has it", async () => {
    const registry = documentOf(await api.client.ask({ path: "/v2/_oci/ext/discover" }), "Extensions");
    expect(registry.extensions.map(({ name }) => name)).toEqual(["_oci", "_longshore"]);
    expect(registry.extensions[1]?.endpoints).toContain("_longshore/api/openapi");
    const repository = documentOf(await api.client.ask({ path: "/v2/team/app/_oci/ext/discover" }), "Extensions");
    expect(repository.extensions[1]?.endpoints).toContain("_longshore/repository/images/{reference}");
  });

  it("describes every operation, with schemas that are there", async () => {
    const document = documentOf(await api.client.ask({ path: "/v2/_longshore/api/openapi" }), "OpenApi");
    const { paths, components } = z
      .object({
        paths: z.record(z.string(), z.record(z.string(), z.object({ operationId: z.string() }))),
        components: z.object({ schemas: z.record(z.string(), z.unknown()) }),
      })
      .parse(document);
    const described = Object.values(paths).flatMap((methods) => Object.values(methods).map((each) => each.operationId));
    expect(described.sort()).toEqual(OPERATIONS.map(({ id }) => id).sort());
    const named = [...JSON.stringify(paths).matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name);
    expect(Object.keys(components.schemas)).toEqual(expect.arrayContaining(named));
  });

  it.each(OPERATIONS.map((operation) => [operation.id, operation] as const))(
    "%s has a path of the specification's extension form",
    (_, { path }) => {
      expect(path).toMatch(/^\/v2\/(\{name\}\/)?_[a-z]+\/[a-z]+\/[a-z]+(\/\{(reference|digest|uuid)\})?$/);
    },
  );
});
