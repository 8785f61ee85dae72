import { pushImage } from "@longshore/testkit/fixtures";
import { createHttpClient } from "@longshore/testkit/http-client";
import { runLength } from "@longshore/testkit/run-length";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { setTimeout as delay } from "node:timers/promises";
import { commandsFor, digestOfTag, faultsOf, startPushers, startServer, tagsOf, type Pushers } from "./pushers.js";
import { brokenIn, openSite, STORAGE_KINDS, type Site } from "./sites.js";

const PATIENCE = 600_000;
const ROUNDS = runLength({ short: 1, long: 4, variable: "UPHEAVALS" });

/** The backup alone takes some ten starts of programs. */
const CASES = runLength({ short: 1, long: 5, variable: "UPHEAVAL_CASES" });
const kinds = STORAGE_KINDS.slice(0, runLength({ short: 1, long: STORAGE_KINDS.length, variable: "UPHEAVAL_KINDS" }));

/** What of that which was acknowledged a replica doesn't serve: of each tag, what the first of `names` that has it says. */
async function lost(urls: readonly string[], names: readonly string[], pushers: Pushers): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const url of urls) {
    const client = createHttpClient(url);
    for (const [tag, allowed] of pushers.tags()) {
      const found: (readonly [name: string, digest: string])[] = [];
      for (const name of names) {
        const digest = await digestOfTag(client, name, tag);
        if (digest !== undefined) found.push([name, digest]);
      }
      const [first] = found;
      if (!allowed.has(first?.[1])) {
        faults.push(`${tag} points to ${String(first?.join("@"))}, not ${[...allowed].join(" or ")}`);
      }
      for (const [name, digest] of found) faults.push(...(await faultsOf(client, name, digest)));
    }
    client.close();
  }
  return faults;
}

async function pushWhole([url = ""]: readonly string[], name: string, tag: string): Promise<void> {
  const client = createHttpClient(url);
  await pushImage(client, name, tag);
  client.close();
}

/** Within the time of a command: before it has begun, in its middle, or when it has ended (ms). */
const sometime = (): number => 200 + Math.random() * 700;

/** How repositories are copied. */
interface Copier {
  /** Copies all tags, or one; returns whether that was done. */
  run(from: string, to: string, tag?: string): Promise<boolean>;
  /** The same for all tags, by a process that is killed meanwhile. */
  killed(from: string, to: string): Promise<void>;
}

const copiesByCommand = ({ commands }: Site): Copier => ({
  async run(from, to, tag) {
    const one = tag === undefined ? [] : ["--tag", tag];
    return (await commands.run("repository copy", from, to, "--overwrite", ...one)).code === 0;
  },
  killed: (from, to) => commands.killed(sometime(), "repository copy", from, to, "--overwrite"),
});

/** By requests to one registry; the other one is killed. */
function copiesThroughApi({ servers, urls }: Site): Copier {
  const ask = async (url = "", from: string, to: string, tag?: string): Promise<boolean> => {
    const client = createHttpClient(url);
    const query = new URLSearchParams({ from, ...(tag === undefined ? {} : { tag }) }).toString();
    try {
      const path = `/v2/${to}/_longshore/repository/copies?${query}`;
      const answer = await client.ask({ method: "POST", path });
      // A tag that is deleted meanwhile.
      if (answer.status !== 200) expect([answer.status, answer.text()]).toEqual([404, expect.any(String)]);
      return answer.status === 200;
    } finally {
      client.close();
    }
  };
  return {
    run: (from, to, tag) => ask(urls[1], from, to, tag),
    async killed(from, to) {
      const asked = ask(urls[0], from, to).catch((error: unknown) => {
        if (!(error instanceof Error && "code" in error)) throw error;
      });
      await delay(Math.random() * 100);
      await Promise.all([servers[0].kill(), asked]);
    },
  };
}

describe.each(kinds)("over %s, while two registries take pushes and deletes, and are killed", (_kind, open) => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite(open);
  }, PATIENCE);
  afterAll(() => site[Symbol.asyncDispose](), PATIENCE);

  const rename = async (): Promise<void> => {
    const { servers, urls, commands } = site;
    for (let round = 0; round < ROUNDS; round += 1) {
      const [from, to] = [`team/old${round}`, `team/new${round}`];
      const move = ["repository rename", from, to, "--overwrite"] as const;
      const pushers = startPushers(urls, from);
      await pushers.progress(8);
      await commands.killed(sometime(), ...move);
      const [, meanwhile] = await Promise.all([servers[round % 2 === 0 ? 0 : 1].kill(), commands.run(...move)]);
      await pushers.stop();
      if (meanwhile.code !== 0) expect(meanwhile.stderr).toContain(`pushes to ${from} keep arriving`);
      expect(await lost(urls, [from, to], pushers)).toEqual([]);
      // It has nothing to move if no push came after the last one.
      await commands.run(...move);
      expect(await lost(urls, [to], pushers)).toEqual([]);
      for (const url of urls) expect(await tagsOf(createHttpClient(url), from)).toEqual([]);
    }
  };

  const removal = async (): Promise<void> => {
    const { servers, urls, commands } = site;
    for (let round = 0; round < ROUNDS; round += 1) {
      const name = `team/app${round}`;
      const remove = ["repository delete", name, "--yes"] as const;
      const early = startPushers(urls, name, { deletes: true });
      await early.progress(8);
      await commands.killed(sometime(), ...remove);
      const [, meanwhile] = await Promise.all([servers[round % 2 === 0 ? 0 : 1].kill(), commands.run(...remove)]);
      await early.stop();
      expect(meanwhile).toMatchObject({ code: 0 });
      expect(await brokenIn(urls, name)).toEqual([]);
      await commands.run(...remove);
      for (const url of urls) expect(await tagsOf(createHttpClient(url), name)).toEqual([]);
      const late = startPushers(urls, name);
      await late.progress(5);
      await late.stop();
      expect(await lost(urls, [name], late)).toEqual([]);
    }
  };

  const backup = async (): Promise<void> => {
    const { servers, urls, commands, storages, folder } = site;
    const name = "team/saved";
    const [copy, restored] = [await storages.create(), await storages.create()];
    const ofCopy = await commandsFor(`${folder}/copy.yml`, copy);
    const ofRestored = await commandsFor(`${folder}/restored.yml`, restored);
    const place = `${folder}/copy.yml`;
    const pushers = startPushers(urls, name, { deletes: true });
    await pushers.progress(8);
    for (let round = 0; round < ROUNDS; round += 1) {
      await commands.killed(sometime(), "backup", place);
      const [, meanwhile] = await Promise.all([servers[round % 2 === 0 ? 0 : 1].kill(), commands.run("backup", place)]);
      expect(meanwhile).toMatchObject({ code: 0 });
      expect(await ofCopy.run("scrub")).toMatchObject({ code: 0 });
    }
    await pushers.stop();
    expect(await commands.run("backup", place, "--mirror")).toMatchObject({ code: 0 });
    expect(await ofRestored.run("restore", place)).toMatchObject({ code: 0 });
    await using other = await startServer(restored);
    expect(await lost([other.url, ...urls], [name], pushers)).toEqual([]);
  };

  const copying = async (word: string, copierOf: (site: Site) => Copier): Promise<void> => {
    const { servers, urls, commands } = site;
    const copier = copierOf(site);
    for (let round = 0; round < ROUNDS; round += 1) {
      const [from, to] = [`team/source-${word}${round}`, `team/copy-${word}${round}`];
      const collect = ["garbage-collect", "--grace-period", "15s", "--delete-untagged"] as const;
      const pushers = startPushers(urls, from, { deletes: true });
      await pushers.progress(8);
      await copier.killed(from, to);
      await Promise.all([
        servers[0].kill(),
        copier.run(from, to),
        commands.run(...collect),
        commands.killed(sometime(), ...collect),
      ]);
      expect(await brokenIn(urls, to)).toEqual([]);
      await pushers.progress(8);
      await Promise.all([copier.run(from, to), commands.run("repository delete", from, "--yes")]);
      await pushers.stop();
      expect(await brokenIn(urls, to)).toEqual([]);
      await pushWhole(urls, from, "last");
      expect(await copier.run(from, to, "last")).toBe(true);
      await commands.run("repository delete", from, "--yes");
      expect(await commands.run("garbage-collect", "--grace-period", "0s")).toMatchObject({ code: 0 });
      expect(await brokenIn(urls, to)).toEqual([]);
      for (const url of urls) expect(await tagsOf(createHttpClient(url), to)).toContain("last");
    }
  };

  const cases = [
    ["a rename loses nothing, whenever it is killed", rename],
    ["a removed repository is gone, and what is pushed to it later is whole", removal],
    ["a backup has everything that was acknowledged before it, and restores", backup],
    [
      "a copy is whole, whatever becomes of its source, and while collections run",
      () => copying("command", copiesByCommand),
    ],
    ["so is a copy through the API", () => copying("request", copiesThroughApi)],
  ] as const;
  it.each(cases.slice(0, CASES))("%s", { timeout: PATIENCE }, (_title, work) => work());
});
