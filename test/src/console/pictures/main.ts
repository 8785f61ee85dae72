import { mkdir } from "node:fs/promises";
import { startRegistry } from "@longshore/testkit/start-registry";
import { launchBrowser, openVisit } from "../browser.js";
import { fillDemo } from "../demo.js";

/** The pages that have pictures; the word is the picture's name. */
const PAGES: Readonly<Record<string, string>> = {
  repositories: "",
  tree: "#/?view=tree&open=shop+team",
  repository: "#/r/shop/web",
  image: "#/r/shop/web:2.10.0",
  configuration: "#/r/shop/web:2.10.0?view=configuration",
  referrers: "#/r/shop/web:2.10.0?view=referrers",
  json: "#/r/shop/web:2.10.0?view=raw",
  chart: "#/r/charts/shop:1.4.2",
  usage: "#/usage",
  login: "#/login",
  compare: "#/compare?left=shop/web:2.9.0&right=shop/web:2.10.0",
};
const WIDTHS = [1280, 390, 2560];

const [folder = "pictures", only = ""] = process.argv.slice(2);
await mkdir(folder, { recursive: true });
await using registry = await startRegistry();
await fillDemo(registry.client);
const browser = await launchBrowser();
for (const [name, route] of Object.entries(PAGES).filter(([each]) => each.includes(only))) {
  for (const width of WIDTHS) {
    for (const colorScheme of ["light", "dark"] as const) {
      const viewport = { width, height: width === 390 ? 844 : Math.round(width * 0.7) };
      await using visit = await openVisit(browser, `${registry.url}/`, route, { viewport, colorScheme });
      await visit.page.waitForLoadState("networkidle");
      if (name === "referrers")
        for (const each of await visit.page.locator(".referrer:not(.referrer-inner .referrer)").all())
          await each.click();
      await visit.page.waitForLoadState("networkidle");
      await visit.page.screenshot({ path: `${folder}/${name}-${width}-${colorScheme}.png` });
    }
  }
}
await browser.close();
