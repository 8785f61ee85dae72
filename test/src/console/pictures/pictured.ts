import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { z } from "zod";
import { startRegistry, type RunningRegistry } from "@longshore/testkit/start-registry";
import { openVisit, type Visit } from "../browser.js";
import { fillDemo } from "../demo.js";

const DAY = 86_400_000;
/** Of what is stored today, on the days before; a collection has freed some of it. */
const GROWTH = [
  0.42, 0.44, 0.47, 0.47, 0.52, 0.58, 0.61, 0.64, 0.71, 0.78, 0.83, 0.6, 0.64, 0.7, 0.76, 0.81, 0.88, 0.94,
];
const usage = z.object({ bytes: z.number() });

/** A page of the documentation's pictures. */
interface Pictured {
  readonly route: string;
  readonly width: number;
  readonly colorScheme: "light" | "dark";
}

/** The pictures in `docs/pictures`, by their names. */
export const PICTURED: Readonly<Record<string, Pictured>> = {
  repositories: { route: "", width: 1280, colorScheme: "light" },
  repository: { route: "#/r/shop/web", width: 1280, colorScheme: "light" },
  image: { route: "#/r/shop/web:2.10.0", width: 1280, colorScheme: "dark" },
  files: { route: "#/r/shop/web:2.10.0?view=files&layer=3", width: 1280, colorScheme: "light" },
  usage: { route: "#/usage", width: 1280, colorScheme: "dark" },
  phone: { route: "#/r/shop/web:2.10.0", width: 390, colorScheme: "light" },
};

/** A registry with the demo store, that is called as one would be. */
export async function startDemo(): Promise<RunningRegistry> {
  const registry = await startRegistry({ config: { http: { host: "https://registry.example.com" } } });
  await fillDemo(registry.client);
  await fillHistory(registry);
  return registry;
}

/** As if the registry had been counted on the days before. */
async function fillHistory({ client, root }: RunningRegistry): Promise<void> {
  const { bytes } = usage.parse((await client.ask({ path: "/v2/_longshore/maintenance/usage" })).json());
  const today = Math.floor(Date.now() / DAY);
  const days = GROWTH.map((share, index) => {
    const stored = Math.round(bytes * share);
    return [today - GROWTH.length + index, 10, 40, stored, stored];
  });
  const path = join(root, "docker/registry/v2/longshore/inventory/v1/history");
  await writeFile(path, JSON.stringify({ version: 1, days }));
}

export async function openPictured(
  browser: Browser,
  url: string,
  { route, width, colorScheme }: Pictured,
): Promise<Visit> {
  const viewport = { width, height: width < 720 ? 844 : 800 };
  const visit = await openVisit(browser, `${url}/`, route, { viewport, colorScheme });
  await visit.page.waitForLoadState("networkidle");
  await visit.page.locator(".skeletons").first().waitFor({ state: "detached" });
  return visit;
}

/**
 * What the middle of a page has, without what differs each time or is only style: titles, heads of columns, tabs and buttons, in their order.
 * When it changes, the picture shows another page than the console does.
 */
export async function outlineOf(page: Page): Promise<readonly string[]> {
  const parts = await page.locator("main :is(h1, h2, h3, nav a, button, [role=columnheader], th, label)").all();
  const texts = await Promise.all(
    parts.map(async (part) => (await part.getAttribute("aria-label")) ?? (await part.textContent()) ?? ""),
  );
  return [...new Set(texts.map(withoutValues))];
}

function withoutValues(text: string): string {
  return text
    .replace(/[0-9a-f]{12}/g, "…")
    .replace(/\d[\d.,]*/g, "#")
    .replace(/\s+/g, " ")
    .trim();
}
