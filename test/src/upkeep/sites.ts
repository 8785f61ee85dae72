import { createHttpClient } from "@longshore/testkit/http-client";
import { s3Parameters, startStandIn } from "@longshore/testkit/s3/server";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { commandsFor, digestOfTag, faultsOf, startServer, tagsOf, type Server } from "./pushers.js";

/** The section `storage` of a configuration. */
type Section = Readonly<Record<string, unknown>>;

/** Makes storages of one kind. */
interface Storages {
  /** The section of the configuration for a new one. */
  create(): Promise<Section>;
  stop(): Promise<void>;
}

/** What registries store in, by name. */
export const STORAGE_KINDS: readonly (readonly [string, (folder: string) => Promise<Storages>])[] = [
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

/** Two registries over one storage, with commands for it. */
export interface Site extends AsyncDisposable {
  readonly servers: readonly [Server, Server];
  readonly urls: readonly string[];
  readonly folder: string;
  /** What is stored, for looking at it from outside. */
  readonly storage: Section;
  readonly storages: Storages;
  readonly commands: Awaited<ReturnType<typeof commandsFor>>;
}

/** Starts both. */
export async function openSite(open: (folder: string) => Promise<Storages>): Promise<Site> {
  const folder = await makeTemporaryFolder("upheavals");
  const storages = await open(folder.path);
  const storage = await storages.create();
  const servers = [await startServer(storage), await startServer(storage)] as const;
  return {
    servers,
    urls: servers.map(({ url }) => url),
    folder: folder.path,
    storage,
    storages,
    commands: await commandsFor(`${folder.path}/site.yml`, storage),
    async [Symbol.asyncDispose]() {
      for (const each of servers) await each[Symbol.asyncDispose]();
      await storages.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** What is missing of the images that the repository lists, as each replica serves it. */
export async function brokenIn(urls: readonly string[], name: string): Promise<readonly string[]> {
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
