import type { Access, AccessController } from "@longshore/auth";
import { expect, it } from "vitest";
import { pushImage } from "@longshore/testkit/fixtures";
import type { Answer, HttpClient } from "@longshore/testkit/http-client";
import { startApi } from "@longshore/testkit/start-registry";

/** Everybody may do everything but pull what `hidden` says. */
function hiding(hidden: (name: string) => boolean): AccessController {
  const allows = ({ name, action }: Access): boolean => action !== "pull" || !hidden(name);
  return {
    name: "hiding",
    authorize: () => ({ account: "somebody", unrestricted: false, allows }),
    close: () => Promise.resolve(),
  };
}

function namesIn(answer: Answer): readonly unknown[] {
  const document = answer.json();
  if (typeof document !== "object" || document === null || !("repositories" in document)) return [];
  return Array.isArray(document.repositories) ? document.repositories : [];
}

/** Every page from the first on, following the links as clients do. */
async function pages(client: HttpClient, first: string): Promise<{ names: unknown[]; links: string[] }> {
  const names: unknown[] = [];
  const links: string[] = [];
  for (let path: string | undefined = first; path !== undefined;) {
    const answer = await client.ask({ path });
    expect(answer.status).toBe(200);
    names.push(...namesIn(answer));
    path = /^<([^>]+)>/.exec(String(answer.headers["link"] ?? ""))?.[1];
    if (path !== undefined) links.push(path);
  }
  return { names, links };
}

const isSecret = (name: string): boolean => name.startsWith("secret");
const VISIBLE = ["a", "b/c", "public/1", "public/2", "public/3", "zz"];
const HIDDEN = ["secret/1", "secret/2", "secret-also"];

async function fill(client: HttpClient): Promise<void> {
  for (const name of [...VISIBLE, ...HIDDEN]) await pushImage(client, name, "1", { layers: 0 });
}

it("shows a user only what they may pull, on pages of any size, and never names the rest", async () => {
  await using api = await startApi({ access: hiding(isSecret) });
  await fill(api.client);
  for (const n of [1, 2, 3, 5, 6, 7, 100]) {
    const { names, links } = await pages(api.client, `/v2/_catalog?n=${n}`);
    expect(names, `n=${n}`).toEqual(VISIBLE);
    expect(links.join(), `n=${n}`).not.toContain("secret");
    expect(links.length, `n=${n}`).toBeLessThanOrEqual(Math.ceil(VISIBLE.length / n));
  }
});

it("shows everything if configured to", async () => {
  await using api = await startApi({ access: hiding(isSecret), config: { catalog: { filter: false } } });
  await fill(api.client);
  expect(namesIn(await api.client.ask({ path: "/v2/_catalog" }))).toEqual([...VISIBLE, ...HIDDEN].sort());
});

it("continues after a name that may not be seen, and treats a foreign cursor as the beginning", async () => {
  await using api = await startApi({ access: hiding(isSecret) });
  await fill(api.client);
  expect(namesIn(await api.client.ask({ path: "/v2/_catalog?last=secret/1" }))).toEqual(["zz"]);
  expect(namesIn(await api.client.ask({ path: "/v2/_catalog?last=~bm90IG91cnM" }))).toEqual(VISIBLE);
});

it("examines a bounded number of repositories for a page, and continues where it stopped without naming it", async () => {
  await using api = await startApi({ access: hiding((name) => name !== "z") });
  const { manifest, mediaType } = await pushImage(api.client, "z", "1", { layers: 0 });
  expect(mediaType).not.toBe("");
  // What the storage would hold after that many pushes, without pushing.
  for (let index = 0; index < 5500; index += 1) {
    const link = `/docker/registry/v2/repositories/hidden-${index}/_manifests/revisions/sha256/${manifest.digest.slice(7)}/link`;
    await api.driver.write(link, Buffer.from(manifest.digest));
  }
  const first = await api.client.ask({ path: "/v2/_catalog" });
  expect(namesIn(first)).toEqual([]);
  expect(String(first.headers["link"])).toMatch(/^<\/v2\/_catalog\?last=~[A-Za-z0-9_%-]+&n=100>; rel="next"$/);
  const { names, links } = await pages(api.client, "/v2/_catalog");
  expect(names).toEqual(["z"]);
  expect(links.join()).not.toContain("hidden");
});
