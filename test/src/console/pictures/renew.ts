import { mkdir, writeFile } from "node:fs/promises";
import { PROJECT } from "@longshore/testkit/project";
import { launchBrowser } from "../browser.js";
import { openPictured, outlineOf, PICTURED, startDemo } from "./pictured.js";

/* `npm run pictures`: makes the pictures of the documentation, in docs/pictures, and writes down what they show. */

const target = `${PROJECT}/docs/pictures`;
await mkdir(target, { recursive: true });
await using registry = await startDemo();
const browser = await launchBrowser();
const outlines: Record<string, readonly string[]> = {};
for (const [name, pictured] of Object.entries(PICTURED)) {
  await using visit = await openPictured(browser, registry.url, pictured);
  outlines[name] = await outlineOf(visit.page);
  await visit.page.screenshot({ path: `${target}/${name}.png` });
}
await writeFile(`${target}/outlines.json`, `${JSON.stringify(outlines, undefined, 2)}\n`);
await browser.close();
