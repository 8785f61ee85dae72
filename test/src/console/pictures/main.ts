import { mkdir } from "node:fs/promises";
import type { HttpClient } from "@longshore/testkit/http-client";
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
  activity: "#/activity",
  operation: "#/operation",
  login: "#/login",
  compare: "#/compare?left=shop/web:2.9.0&right=shop/web:2.10.0",
};
/** What happens while a page with a picture is open: some of it with the rights of nobody. */
async function makeActivity(client: HttpClient): Promise<void> {
  const clients = ["docker/29.0.1 go/go1.25 os/linux arch/arm64", "containerd/2.1.4", "skopeo/1.20.0", "renovate/41"];
  const names = ["shop/web", "shop/api", "base/node", "team/analytics/notebook", "shop/worker", "alpine"];
  for (const [index, name] of names.entries()) {
    const headers = { "user-agent": clients[index % clients.length] ?? "", accept: "*/*" };
    const path = `/v2/${name}/manifests/${name === "shop/web" ? "2.10.0" : "1.0.0"}`;
    const { body, headers: answered } = await client.ask({ path, headers });
    if (index % 2 === 0) continue;
    const type = answered["content-type"] ?? "";
    await client.ask({ method: "PUT", path: `${path}-rc`, headers: { ...headers, "content-type": type }, body });
    if (index === 3) await client.ask({ method: "DELETE", path: `${path}-rc`, headers });
  }
}

const WIDTHS = [1280, 390, 2560];

const [folder = "pictures", only = ""] = process.argv.slice(2);
await mkdir(folder, { recursive: true });
await using registry = await startRegistry({
  config: {
    http: { workers: 2 },
    health: { storagedriver: { enabled: true, interval: "1s" } },
    notifications: { endpoints: [{ name: "builds", url: "http://127.0.0.1:9/hook", timeout: "1s", threshold: 1 }] },
    proxy: { upstreams: [{ prefix: "hub", remoteurl: "http://127.0.0.1:9" }], retries: 0 },
  },
});
await fillDemo(registry.client);
const browser = await launchBrowser();
for (const [name, route] of Object.entries(PAGES).filter(([each]) => each.includes(only))) {
  for (const width of WIDTHS) {
    for (const colorScheme of ["light", "dark"] as const) {
      const viewport = { width, height: width === 390 ? 844 : Math.round(width * 0.7) };
      await using visit = await openVisit(browser, `${registry.url}/`, route, { viewport, colorScheme });
      if (name === "activity") {
        await visit.page.locator(".watch-state.live").waitFor();
        await makeActivity(registry.client);
        await visit.page.locator(".happening.delete").waitFor();
      } else await visit.page.waitForLoadState("networkidle");
      if (name === "referrers")
        for (const each of await visit.page.locator(".referrer:not(.referrer-inner .referrer)").all())
          await each.click();
      if (name !== "activity") await visit.page.waitForLoadState("networkidle");
      await visit.page.screenshot({ path: `${folder}/${name}-${width}-${colorScheme}.png` });
    }
  }
}
await browser.close();
