import { startRegistry, type ProcessSettings, type RunningRegistry } from "@longshore/testkit/start-registry";
import type { BrowserContextOptions } from "playwright-core";
import { beforeAll } from "vitest";
import { useResources } from "../clients/site.js";
import { launchBrowser, openVisit, type Visit } from "./browser.js";

/** A registry with its console, and a browser to look at it. */
export interface ConsoleSite {
  readonly registry: RunningRegistry;
  /** The console's address, with its closing slash. */
  readonly url: string;
  /** Opens a page of the console, `#/…`, in a browser that has seen nothing yet. */
  open(route: string, options?: BrowserContextOptions): Promise<Visit>;
}

/** Starts a registry, fills it, and opens a browser before the suite's tests; ends both after them. */
export function useConsole(
  fill: (registry: RunningRegistry) => Promise<void>,
  settings: ProcessSettings & { readonly path?: string } = {},
): () => ConsoleSite {
  let site: ConsoleSite | undefined;
  const own = useResources();

  beforeAll(async () => {
    const registry = own(await startRegistry(settings));
    await fill(registry);
    const url = `${registry.url}${settings.path ?? "/"}`;
    const browser = await launchBrowser();
    own({ [Symbol.asyncDispose]: () => browser.close() });
    site = {
      registry,
      url,
      open: (route, options) => openVisit(browser, url, route, options),
    };
  });

  return () => {
    if (site === undefined) throw new Error("the site isn't open yet");
    return site;
  };
}
