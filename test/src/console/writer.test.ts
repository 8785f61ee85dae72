import { writeFile } from "node:fs/promises";
import { pushImage } from "@longshore/testkit/fixtures";
import { createHttpClient } from "@longshore/testkit/http-client";
import { describePeers } from "@longshore/testkit/peers";
import { run } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { expect, it } from "vitest";
import { basic, passwordLine } from "../auth/support.js";
import { useResources } from "../clients/site.js";
import { useConsole } from "./site.js";

const folder = await makeTemporaryFolder("console-writer");
const passwords = `${folder.path}/htpasswd`;
await writeFile(passwords, passwordLine("admin", "secret") + passwordLine("writer", "secret"));

/** What `oras` pushes: a chart as Helm pushes it, and a signature as cosign attaches it. */
async function pushWithOras(host: string): Promise<void> {
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(`${folder.path}/${name}`, text);
    return name;
  };
  const oras = (...args: string[]) => run("oras", args, { cwd: folder.path });
  const login = ["--plain-http", "--username=writer", "--password=secret"];
  const config = await file("config.json", JSON.stringify({ name: "shop", version: "1.2.3", description: "The shop" }));
  const chart = await file("shop-1.2.3.tgz", "chart");
  await oras(
    "push",
    ...login,
    `--config=${config}:application/vnd.cncf.helm.config.v1+json`,
    `${host}/team/shop:1.2.3`,
    `${chart}:application/vnd.cncf.helm.chart.content.v1.tar+gzip`,
  );
  const payload = await file(
    "payload.json",
    JSON.stringify({ critical: { type: "cosign container image signature" } }),
  );
  await oras(
    "attach",
    ...login,
    "--artifact-type=application/vnd.dev.cosign.artifact.sig.v1+json",
    `${host}/team/app:1`,
    `${payload}:application/vnd.dev.cosign.simplesigning.v1+json`,
  );
}

describePeers("a writer in the console", ["chromium", "oras"], () => {
  useResources()(folder);
  const site = useConsole(
    async ({ url }) => {
      const admin = createHttpClient(url, { headers: { authorization: basic("admin", "secret") } });
      for (const name of ["team/app", "shared/base"]) await pushImage(admin, name, "1");
      admin.close();
      await pushWithOras(new URL(url).host);
    },
    {
      config: {
        auth: { htpasswd: { realm: "r", path: passwords } },
        access: [
          { name: "admin", type: "registry", action: ["*"] },
          { name: "writer", type: "repository", repository: "team/*", action: ["pull", "push", "delete"] },
          { name: "writer", type: "repository", repository: "shared/*", action: ["pull"] },
        ],
      },
    },
  );

  it("sees what oras has pushed, may delete in own repositories, and nowhere else", async () => {
    await using visit = await site().open("#/r/shared/base");
    const { page } = visit;
    await page.getByLabel("Account").fill("writer");
    await page.getByLabel("Password").fill("secret");
    await page.keyboard.press("Enter");
    await page.locator(".row a").first().waitFor();
    expect(await page.getByRole("button", { name: "Delete the repository" }).count()).toBe(0);
    expect(await page.getByRole("link", { name: "Usage" }).count()).toBe(0);

    await page.goto(`${site().url}#/r/team/app`);
    await page.getByText("signed").first().waitFor();
    await page.goto(`${site().url}#/r/team/shop:1.2.3`);
    await page.getByText("Helm chart").first().waitFor();
    await expect.poll(() => page.locator("main").innerText()).toMatch(/helm pull[^]*The shop/);

    await page.goto(`${site().url}#/r/team/app`);
    await page.getByLabel("Select 1", { exact: true }).check();
    await page.getByRole("button", { name: "Delete…", exact: true }).click();
    await page.getByRole("button", { name: "Delete 1 tag" }).click();
    await page.getByText("This repository has no tags").waitFor();
    visit.expectQuiet();
  });
});
