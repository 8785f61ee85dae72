import { loadavg } from "node:os";
import { expectStatus, manifestOf, OCI_INDEX, pushManifest } from "@longshore/testkit/fixtures";
import { createHttpClient } from "@longshore/testkit/http-client";
import type { Browser } from "playwright-core";
import { launchBrowser } from "../console/browser.js";
import type { Pace } from "./compare.js";
import { median } from "./median.js";
import { start, type Launcher } from "./servers.js";

const REPOSITORIES = 10_000;
const PUSHES_AT_ONCE = 32;
/** How much slower than here the reader's processor is. */
const SLOWDOWN = 4;
/** How soon the list is to be there (ms). */
const AIM = 1000;
const SEARCHED = { text: "app-7707", name: "group-7/app-7707" } as const;

/** Notes when the list, and later the result of a search, has been painted. */
const WATCH = `
  globalThis.painted = {};
  const note = (what) => requestAnimationFrame(() => setTimeout(() => { globalThis.painted[what] ??= performance.now(); }));
  new MutationObserver(() => {
    const name = document.querySelector(".row a")?.textContent;
    if (name) note("list");
    if (name === "${SEARCHED.name}") note("search");
  }).observe(document, { childList: true, subtree: true, characterData: true });
  addEventListener("keydown", () => { globalThis.painted.key = performance.now(); }, { capture: true });
`;

interface Opening {
  /** From the request for the page until its list is painted (ms). */
  readonly list: number;
  /** From the last key until what was searched for is painted (ms). */
  readonly search: number;
}

interface ConsoleReport {
  readonly openings: readonly Opening[];
  /** While they were measured (`uptime`). */
  readonly load: number;
}

/**
 * What a reader waits for who opens the console of a registry with 10,000 repositories: in a browser that has nothing of it yet, and whose
 * processor is slowed down.
 */
export async function measureConsole(launcher: Launcher, folder: string, { rounds }: Pace): Promise<ConsoleReport> {
  await using target = await start(launcher, folder, launcher.alone);
  await pushRepositories(target.origin);
  const browser = await launchBrowser();
  try {
    const openings: Opening[] = [];
    for (let round = 0; round < rounds; round += 1) openings.push(await measureOpening(browser, `${target.origin}/`));
    return { openings, load: loadavg()[0] ?? 0 };
  } finally {
    await browser.close();
  }
}

/** The report's lines, and whether the aim is met. */
export function formatConsole({ openings, load }: ConsoleReport): { readonly text: string; readonly met: boolean } {
  const describe = (times: readonly number[]): string =>
    `median ${median(times).toFixed(0)} ms (${times.map((time) => time.toFixed(0)).join(", ")})`;
  const lists = openings.map(({ list }) => list);
  const met = median(lists) <= AIM;
  const text = [
    `list painted: ${describe(lists)}, aim ${AIM} ms: ${met ? "met" : "MISSED"}`,
    `search painted: ${describe(openings.map(({ search }) => search))}`,
    `load ${load.toFixed(1)}`,
  ].join("\n");
  return { text, met };
}

async function pushRepositories(origin: string): Promise<void> {
  const client = createHttpClient(origin);
  const manifest = manifestOf({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] });
  const indexes = Array.from({ length: REPOSITORIES }, (_, index) => index).values();
  const push = async (): Promise<void> => {
    for (const index of indexes) {
      expectStatus(await pushManifest(client, `group-${index % 100}/app-${index}`, manifest, OCI_INDEX, "1"), 201);
    }
  };
  await Promise.all(Array.from({ length: PUSHES_AT_ONCE }, push));
  client.close();
}

async function measureOpening(browser: Browser, url: string): Promise<Opening> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  try {
    const page = await context.newPage();
    await page.addInitScript(WATCH);
    const session = await context.newCDPSession(page);
    await session.send("Emulation.setCPUThrottlingRate", { rate: SLOWDOWN });
    // In the debugger's hands: the page's policy forbids what evaluates text.
    const timeOf = async (what: string): Promise<number> =>
      Number(
        await page.evaluate(
          `new Promise((done) => { const timer = setInterval(() => {
             if (painted.${what} !== undefined) { clearInterval(timer); done(painted.${what}); }
           }, 20); })`,
        ),
      );
    await page.goto(url);
    const list = await timeOf("list");
    await page.keyboard.press("/");
    await page.keyboard.insertText(SEARCHED.text.slice(0, -1));
    await page.keyboard.press(SEARCHED.text.slice(-1));
    return { list, search: (await timeOf("search")) - (await timeOf("key")) };
  } finally {
    await context.close();
  }
}
