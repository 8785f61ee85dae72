import { pushImage } from "@longshore/testkit/fixtures";
import { createHttpClient } from "@longshore/testkit/http-client";
import { runLength } from "@longshore/testkit/run-length";
import { s3Parameters, startStandIn } from "@longshore/testkit/s3/server";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  commandsFor,
  digestOfTag,
  faultsOf,
  startPushers,
  startServer,
  tagsOf,
  type Pushers,
  type Server,
} from "./pushers.js";

const PATIENCE = 600_000;
const ROUNDS = runLength({ short: 1, long: 4, variable: "UPHEAVALS" });

type Section = Readonly<Record<string, unknown>>;

/** Makes storages of one kind. */
interface Storages {
  /** The section of the configuration for a new one. */
  create(): Promise<Section>;
  stop(): Promise<void>;
}

const KINDS: readonly (readonly [string, (folder: string) => Promise<Storages>])[] = [
  [
    "files",
    (folder) => {
      let count = 0;
      const create = () => Promise.resolve({ filesystem: { rootdirectory: `${folder}/storage-${(count += 1)}` } });
      return Promise.resolve({ create, stop: () => Promise.resolve() });
    },
  ],
  [
    "object storage",
    async () => {
      const server = await startStandIn();
      const create = async () => ({ s3: s3Parameters(server, await server.newBucket()) });
      return { create, stop: () => server.stop() };
    },
  ],
];
/** The backup alone takes some ten starts of programs. */
const CASES = runLength({ short: 1, long: 4, variable: "UPHEAVAL_CASES" });
const kinds = KINDS.slice(0, runLength({ short: 1, long: KINDS.length, variable: "UPHEAVAL_KINDS" }));

/** Two registries over one storage, with commands for it. */
interface Site extends AsyncDisposable {
  readonly servers: readonly [Server, Server];
  readonly urls: readonly string[];
  readonly folder: string;
  readonly storages: Storages;
  readonly commands: Awaited<ReturnType<typeof commandsFor>>;
}

async function openSite(open: (folder: string) => Promise<Storages>): Promise<Site> {
  const folder = await makeTemporaryFolder("upheavals");
  const storages = await open(folder.path);
  const storage = await storages.create();
  const servers = [await startServer(storage), await startServer(storage)] as const;
  return {
    servers,
    urls: servers.map(({ url }) => url),
    folder: folder.path,
    storages,
    commands: await commandsFor(`${folder.path}/site.yml`, storage),
    async [Symbol.asyncDispose]() {
      for (const each of servers) await each[Symbol.asyncDispose]();
      await storages.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

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

/** What is missing of the images that the repository lists, as each replica serves it. */
async function brokenIn(urls: readonly string[], name: string): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const url of urls) {
    const client = createHttpClient(url);
    for (const tag of await tagsOf(client, name)) {
      // A delete that was killed may have removed the manifest before its tags.
      if ((await digestOfTag(client, name, tag)) !== undefined) faults.push(...(await faultsOf(client, name, tag)));
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

  const copying = async (): Promise<void> => {
    const { servers, urls, commands } = site;
    for (let round = 0; round < ROUNDS; round += 1) {
      const [from, to] = [`team/source${round}`, `team/copy${round}`];
      const copy = ["repository copy", from, to, "--overwrite"] as const;
      const collect = ["garbage-collect", "--grace-period", "15s", "--delete-untagged"] as const;
      const pushers = startPushers(urls, from, { deletes: true });
      await pushers.progress(8);
      await commands.killed(sometime(), ...copy);
      await Promise.all([
        servers[round % 2 === 0 ? 0 : 1].kill(),
        commands.run(...copy),
        commands.run(...collect),
        commands.killed(sometime(), ...collect),
      ]);
      expect(await brokenIn(urls, to)).toEqual([]);
      await pushers.progress(8);
      await Promise.all([commands.run(...copy), commands.run("repository delete", from, "--yes")]);
      await pushers.stop();
      expect(await brokenIn(urls, to)).toEqual([]);
      await pushWhole(urls, from, "last");
      expect(await commands.run(...copy, "--tag", "last")).toMatchObject({ code: 0 });
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
    ["a copy is whole, whatever becomes of its source, and while collections run", copying],
  ] as const;
  it.each(cases.slice(0, CASES))("%s", { timeout: PATIENCE }, (_title, work) => work());
});
