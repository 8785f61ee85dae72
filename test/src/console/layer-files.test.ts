import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { contentOf } from "@longshore/testkit/fixtures";
import { describePeers } from "@longshore/testkit/peers";
import { run } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { expect, it } from "vitest";
import { tar } from "../clients/tar.js";
import { useResources } from "../clients/site.js";
import { filesLayer, pushDemoImage } from "./demo.js";
import { useConsole } from "./site.js";

const folder = await makeTemporaryFolder("console-layer-files");

/** An image of three layers: files, then one that removes and replaces some of them, then a symbolic link. */
async function build(host: string): Promise<void> {
  const storage = [`--root=${folder.path}/storage`, `--runroot=${folder.path}/run`, "--storage-driver=vfs"];
  const env = { BUILDAH_ISOLATION: "chroot" };
  const buildah = async (...args: string[]) => (await run("buildah", [...storage, ...args], { env })).stdout.trim();
  const context = join(folder.path, "context");
  await mkdir(join(context, "app/old"), { recursive: true });
  await writeFile(join(context, "app/server.js"), "first");
  await writeFile(join(context, "app/old/notes.txt"), "notes");
  await writeFile(join(context, "app/secret.key"), "secret");
  const first = await buildah("from", "scratch");
  await buildah("copy", first, context, "/");
  await buildah("commit", "--rm", first, "base");
  const second = await buildah("from", "localhost/base");
  const root = await buildah("mount", second);
  await rm(join(root, "app/old"), { recursive: true });
  await rm(join(root, "app/secret.key"));
  await writeFile(join(root, "app/server.js"), "second");
  await buildah("commit", "--rm", second, "built");
  await buildah("push", "--tls-verify=false", "localhost/built", `docker://${host}/team/built:1`);
}

const HOSTILE = [
  "../../etc/passwd",
  "<img src=x onerror=alert(1)>",
  "invoice\u202efdp.exe",
  "bell\u0007",
  "__proto__/polluted",
  `deep/${"d/".repeat(45)}end`,
];

describePeers("the files of a layer in the console", ["chromium", "buildah"], () => {
  useResources()(folder);
  const site = useConsole(async ({ url, client }) => {
    await build(new URL(url).host);
    await pushDemoImage(client, "team/hostile", "1", {
      layers: [
        {
          command: "ADD hostile",
          content: contentOf(gzipSync(tar(HOSTILE.map((name) => ({ name, content: Buffer.from("x") }))))),
        },
        { command: "ADD no tar", content: contentOf("this is no layer ".repeat(100)) },
      ],
    });
    const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`many/file-${index}`, ""]));
    await pushDemoImage(client, "team/many", "1", { layers: [filesLayer("ADD many", many)] });
  });

  it("are a tree that says what a later layer removes and replaces", async () => {
    await using visit = await site().open("#/r/team/built:1?view=files");
    const { page } = visit;
    await page.getByText("Crossed out is what the later layer hides").waitFor();
    const row = (name: string) => page.locator(".row").filter({ hasText: name });
    await expect.poll(() => row("server.js").innerText()).toMatch(/replaced by layer 2\s+5 B\s+0644/);
    expect(await row("secret.key").innerText()).toContain("removed by layer 2");
    await page.getByRole("button", { name: "Open old" }).click();
    expect(await row("notes.txt").innerText()).toContain("removed by layer 2");
    await visit.expectAccessible();
    await page.locator(".layer-choice select").selectOption({ index: 1 });
    await expect.poll(() => row("secret.key").innerText()).toContain("removes it");
    expect(await row("server.js").innerText()).toMatch(/server\.js\s+6 B/);
    expect(page.url()).toContain("layer=2");
    visit.expectQuiet();
  });

  it("may be called anything", async () => {
    await using visit = await site().open("#/r/team/hostile:1?view=files");
    const { page } = visit;
    await page.getByText("What later layers hide isn't known").waitFor();
    await page.getByLabel("Search files").fill("e");
    const shown = (await page.locator(".row").allInnerTexts()).join("\n");
    expect(shown).toContain("../../etc/passwd");
    expect(shown).toContain("<img src=x onerror=alert(1)>");
    expect(shown).toContain("invoice\\u{202e}fdp.exe");
    expect(shown).toContain("bell\\u{7}");
    await page.getByLabel("Search files").fill("nothing like it");
    await page.getByText("No path has").waitFor();
    await page.goto(`${site().url}#/r/team/hostile:1?view=files&layer=2`);
    await page.getByText("the layer is no tar, or is damaged").waitFor();
  });

  it("are many, of which those in sight are in the page", async () => {
    await using visit = await site().open("#/r/team/many:1?view=files");
    const { page } = visit;
    await page.getByText("20,000 files").first().waitFor();
    await expect.poll(() => page.locator(".row").count()).toBeLessThan(80);
    await page.getByLabel("Search files").fill("file-19999");
    await expect.poll(() => page.locator(".row").allInnerTexts()).toEqual([expect.stringContaining("many/file-19999")]);
    visit.expectQuiet();
  });
});
