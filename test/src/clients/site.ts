import { afterAll, beforeAll } from "vitest";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { startRegistryOfKind, type RegistryOfKind } from "@longshore/testkit/registry-of-kind";
import { type Inspector, inspect } from "./inspect.js";

/** Milliseconds for a test that drives outside programs on a machine with other work to do. */
export const SLOW = 180_000;

/** What a client's suite works with: a registry of its own and a folder of its own. */
export interface Site {
  readonly registry: RegistryOfKind;
  readonly held: Inspector;
  /** `127.0.0.1:<port>`. */
  readonly host: string;
  readonly folder: string;
  /** Releases the resource after the suite, before the registry stops; the last one first. */
  own<Resource extends AsyncDisposable>(resource: Resource): Resource;
}

/** Releases the resources that it is handed after the suite's tests, the last one first, however the tests end. */
export function useResources(): Site["own"] {
  const owned: AsyncDisposable[] = [];
  afterAll(async () => {
    for (const resource of owned.splice(0).reverse()) {
      await resource[Symbol.asyncDispose]();
    }
  }, SLOW);
  return (resource) => {
    owned.push(resource);
    return resource;
  };
}

/** Opens the site before the suite's tests and closes it after them, however they end. */
export function useSite(name: string): () => Site {
  const own = useResources();
  let site: Site | undefined;

  beforeAll(async () => {
    const folder = own(await makeTemporaryFolder(name)).path;
    const registry = own(await startRegistryOfKind());
    site = { registry, folder, host: registry.host, held: inspect(registry.host), own };
  }, SLOW);

  return () => {
    if (site === undefined) {
      throw new Error(`the ${name} suite's registry is not open`);
    }
    return site;
  };
}
