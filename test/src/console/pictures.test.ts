import { readdir, readFile, stat } from "node:fs/promises";
import { describePeers } from "@longshore/testkit/peers";
import { PROJECT } from "@longshore/testkit/project";
import { expect, it } from "vitest";
import { launchBrowser } from "./browser.js";
import { openPictured, outlineOf, PICTURED, startDemo } from "./pictures/pictured.js";

const FOLDER = `${PROJECT}/docs/pictures`;
/** Bytes of all pictures. */
const MOST = 1024 * 1024;

it("the documentation's pictures are all shown, and small", async () => {
  const names = (await readdir(FOLDER)).filter((name) => name.endsWith(".png"));
  expect(names).toEqual(
    Object.keys(PICTURED)
      .map((name) => `${name}.png`)
      .sort(),
  );
  const sizes = await Promise.all(names.map(async (name) => (await stat(`${FOLDER}/${name}`)).size));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(MOST);
  const docs = await readFile(`${PROJECT}/docs/console.md`, "utf8");
  for (const name of names) expect(docs).toContain(`](pictures/${name})`);
});

describePeers("the documentation's pictures", ["chromium"], () => {
  it("show what the console shows; otherwise run `npm run pictures`", async () => {
    const kept: unknown = JSON.parse(await readFile(`${FOLDER}/outlines.json`, "utf8"));
    await using registry = await startDemo();
    const browser = await launchBrowser();
    try {
      const found: Record<string, readonly string[]> = {};
      for (const [name, pictured] of Object.entries(PICTURED)) {
        await using visit = await openPictured(browser, registry.url, pictured);
        found[name] = await outlineOf(visit.page);
      }
      expect(found).toEqual(kept);
    } finally {
      await browser.close();
    }
  });
});
