import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { hasPeer, findProgram } from "@longshore/testkit/peer-list";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";

/** A browser's window on the console. */
export interface Visit extends AsyncDisposable {
  readonly page: Page;
  /** Fails if the page reported an error, broke its security policy, or asked another host. */
  expectQuiet(): void;
  /** Fails if axe finds something, in light and in dark. */
  expectAccessible(): Promise<void>;
}

export function launchBrowser(): Promise<Browser> {
  if (!hasPeer("chromium")) throw new Error("chromium is not installed");
  return chromium.launch({ executablePath: findProgram("chromium") ?? "", args: ["--no-sandbox", "--disable-gpu"] });
}

export async function openVisit(
  browser: Browser,
  url: string,
  route: string,
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    reducedMotion: "reduce",
    ...options,
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith(url)) complaints.push(`asked ${request.url()}`);
  });
  await page.goto(`${url}${route}`);
  await page.locator("main h1").first().waitFor();
  return {
    page,
    expectQuiet: () => assert.deepEqual(complaints, []),
    expectAccessible: async () => {
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        assert.deepEqual(await findingsOf(page), [], `axe found something in ${colorScheme}`);
      }
    },
    async [Symbol.asyncDispose]() {
      await context.close();
    },
  };
}

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** What axe finds on the page, by WCAG 2.2 AA and its own best practices. */
async function findingsOf(page: Page): Promise<readonly string[]> {
  // Evaluated by the debugger, which the page's security policy doesn't concern.
  await page.evaluate(await readFile(AXE, "utf8"));
  const findings: unknown = await page.evaluate(
    `axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => violations.flatMap(({ id, nodes }) =>
       nodes.map(({ target, failureSummary }) => [id, target.join(" "), failureSummary].join(": "))))`,
  );
  return Array.isArray(findings) ? findings.map(String) : ["axe didn't answer"];
}
