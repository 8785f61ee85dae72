import { createDriver, parseRepositoryName, type Registry } from "@longshore/storage";
import { describe, expect, it } from "vitest";
import { createRepositories } from "../src/lists/repositories.js";
import { plainRegistry, push } from "./support.js";

/** A registry in memory, whose listings end when they may. */
async function slowRegistry() {
  const registry = plainRegistry(await createDriver("inmemory", {}));
  const ends: (() => void)[] = [];
  let listings = 0;
  const slow: Registry = {
    ...registry,
    repositories: async (request) => {
      listings += 1;
      const page = await registry.repositories(request);
      await new Promise<void>((resolve) => ends.push(resolve));
      return page;
    },
  };
  const look = () => Promise.resolve({ entry: undefined, readAt: 0 });
  return {
    registry,
    repositories: createRepositories(slow, look, () => 0),
    listings: () => listings,
    endNext: async () => {
      await expect.poll(() => ends.length).toBeGreaterThan(0);
      ends.shift()?.();
    },
  };
}

describe("the names of repositories", () => {
  it("are listed once for all who wait for them", async () => {
    const { registry, repositories, listings, endNext } = await slowRegistry();
    await push(registry, "a", "a");
    const all = [repositories.names(), repositories.names(), repositories.names()];
    const left = AbortSignal.abort(new Error("enough"));
    await expect(repositories.names({ signal: left })).rejects.toThrow("enough");
    await endNext();
    expect(await Promise.all(all)).toEqual([["a"], ["a"], ["a"]]);
    expect(listings()).toBe(1);
  });

  it("are listed again for those who know that anything may have changed meanwhile", async () => {
    const { registry, repositories, listings, endNext } = await slowRegistry();
    await push(registry, "a", "a");
    const first = repositories.names();
    await expect.poll(listings).toBe(1);
    await push(registry, "b", "b");
    repositories.apply(undefined);
    const second = repositories.names();
    await endNext();
    await first;
    await endNext();
    expect(await second).toEqual(["a", "b"]);
    repositories.apply({ name: parseRepositoryName("c"), items: "all" });
    expect(await repositories.names()).toEqual(["a", "b", "c"]);
    expect(listings()).toBe(2);
  });
});
