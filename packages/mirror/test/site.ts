import {
  createDriver,
  openRegistry,
  parseRepositoryName,
  type ContentStream,
  type StorageDriver,
} from "@longshore/storage";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import type { MirroredUpstream, MirrorObserver } from "../src/contract.js";
import { mirrorRegistry, type MirrorRegistry, type MirrorSettings } from "../src/registry/mirror-registry.js";
import { createRouting } from "../src/routing.js";
import { FakeUpstream } from "./fake-upstream.js";

/** A mirror over a storage of its own, which goes with it. */
export interface MirrorSite extends AsyncDisposable {
  readonly upstream: FakeUpstream;
  readonly driver: StorageDriver;
  readonly mirror: MirrorRegistry;
}

export const APP = parseRepositoryName("library/app");

export async function openSite(
  storage: "filesystem" | "inmemory",
  {
    wrapDriver = (driver) => driver,
    observer = {},
    settings = {},
    ...options
  }: Partial<MirroredUpstream> & {
    readonly wrapDriver?: (driver: StorageDriver) => StorageDriver;
    readonly observer?: MirrorObserver;
    readonly settings?: Partial<MirrorSettings>;
  } = {},
): Promise<MirrorSite> {
  const folder = await makeTemporaryFolder("mirror");
  const upstream = new FakeUpstream();
  const driver = wrapDriver(
    await createDriver(storage, storage === "inmemory" ? {} : { rootdirectory: `${folder.path}/data` }),
  );
  const routing = createRouting([{ ...DEFAULTS, client: upstream, ...options }], []);
  const mirror = await mirrorRegistry(openRegistry(driver), {
    routing,
    driver,
    observer,
    usage: { note: () => undefined, close: () => Promise.resolve() },
    refusalAge: 0,
    linger: 60_000,
    patience: 10_000,
    directory: `${folder.path}/spool`,
    ...settings,
  });
  return {
    upstream,
    driver,
    mirror,
    async [Symbol.asyncDispose]() {
      await mirror.close();
      await driver.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** An upstream whose every repository is mirrored under its own name. */
export const DEFAULTS: Omit<MirroredUpstream, "client"> = {
  label: "upstream",
  prefix: "",
  hosts: [],
  isHub: false,
  allow: [],
  deny: [],
  freshness: 0,
  missing: "keep",
  tags: "upstream",
  catalog: "cached",
  maxBlobBytes: 0,
  hidden: false,
  deletable: false,
};

/** What a stream begins with; the stream stays open. */
export async function firstChunk(stream: ContentStream): Promise<Buffer> {
  const next: IteratorResult<Uint8Array, unknown> = await stream[Symbol.asyncIterator]().next();
  return next.done === true ? Buffer.alloc(0) : Buffer.from(next.value);
}
