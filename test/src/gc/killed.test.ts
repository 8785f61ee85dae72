import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { writeStore } from "../bench/gc/store.js";
import { createHttpClient, type HttpClient } from "@longshore/testkit/http-client";
import { describePeers } from "@longshore/testkit/peers";
import { freePort } from "@longshore/testkit/loopback";
import { run, startDaemon } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { runLength } from "@longshore/testkit/run-length";
import { startRegistry } from "@longshore/testkit/start-registry";
import { digestOf } from "@longshore/testkit/fixtures";
import { PROGRAM } from "@longshore/testkit/project";

const MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
const CONFIG = "application/vnd.docker.container.image.v1+json";
const LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/** Images that are in the store from the start, and those that only the backup has. */
const IMAGES = 20;
const RESTORED = 4;
/** So many that the names of what is removed fill a pipe several times: a collection can't end before they are read. */
const GARBAGE = 1500;
const REPOSITORIES = 4;
/** One of the images' repositories, which is linked to every twentieth unused layer. */
const REPOSITORY = "team0/app0";
const RELIED_ON = 10;

/** Several starts of registries and collections for each of the moments. */
const PATIENCE = 300_000;

/** When a collection is killed: once a work file of a kind is there, or once it has named so many things as removed. */
type Moment = { readonly file: string } | { readonly removed: number };

const MOMENTS: readonly (readonly [string, Moment])[] = [
  ["once it has marked", { file: "marks-" }],
  ["at its first removal", { removed: 1 }],
  ["once it has begun", { file: "" }],
  ["once it has candidates", { file: "candidates-" }],
  ["after a thousand removals", { removed: 1000 }],
];
const moments = MOMENTS.slice(0, runLength({ short: 2, long: MOMENTS.length }));

interface Store {
  readonly root: string;
  readonly backup: string;
  readonly work: string;
  readonly config: string;
}

/** A store whose files are all ten days old, and a backup of it with some more images. */
async function createStore(folder: string): Promise<Store> {
  const [root, backup, work] = [join(folder, "root"), join(folder, "backup"), join(folder, "work")];
  for (const path of [root, backup, work]) await mkdir(path);
  writeStore(root, { images: IMAGES, layers: 2, garbage: GARBAGE, repositories: REPOSITORIES });
  writeStore(backup, { images: IMAGES + RESTORED, layers: 2, garbage: 0, repositories: REPOSITORIES });
  await run("find", [root, backup, "-exec", "touch", "-h", "-d", "10 days ago", "{}", "+"]);
  const config = join(folder, "config.yml");
  const gc = { maintenance: { gc: { workdirectory: work } } };
  await writeFile(config, JSON.stringify({ version: 0.1, storage: { filesystem: { rootdirectory: root }, ...gc } }));
  return { root, backup, work, config };
}

/** Runs a collection and kills it. Until then nobody reads the rest of its output, so that it waits for us. */
async function collectUntil(moment: Moment, { work, config }: Store): Promise<void> {
  const args = [PROGRAM, "garbage-collect", "--delete-untagged", config];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
  const exited = once(child, "exit");
  try {
    if ("file" in moment) {
      while (child.exitCode === null && !(await hasWorkFile(work, moment.file))) await turn();
    } else {
      let lines = 0;
      for await (const chunk of child.stderr) {
        lines += String(chunk).split("\n").length - 1;
        if (lines >= moment.removed) break;
      }
    }
  } finally {
    child.kill("SIGKILL");
    await exited;
  }
  expect(child.signalCode).toBe("SIGKILL");
}

async function hasWorkFile(work: string, prefix: string): Promise<boolean> {
  const entries = await readdir(work, { recursive: true, withFileTypes: true });
  return entries.some((entry) => entry.isFile() && entry.name.startsWith(prefix));
}

/** What must be whole after the next collection. */
interface Image {
  readonly repository: string;
  readonly tag: string;
}

/** Pushes an image as clients do: what HEAD finds isn't sent again. Tells how many of its blobs were there. */
async function pushOverOldBlobs(client: HttpClient, tag: string): Promise<number> {
  const contents = Array.from({ length: RELIED_ON }, (_, index) => `garbage ${index * 20}`);
  let found = 0;
  for (const content of contents) {
    const path = `/v2/${REPOSITORY}/blobs/${digestOf(content)}`;
    if ((await client.ask({ method: "HEAD", path })).status === 200) {
      found += 1;
      continue;
    }
    const { headers } = await client.ask({ method: "POST", path: `/v2/${REPOSITORY}/blobs/uploads/` });
    const closing = `${headers.location ?? ""}&digest=${encodeURIComponent(digestOf(content))}`;
    const type = { "Content-Type": "application/octet-stream" };
    expect((await client.ask({ method: "PUT", path: closing, headers: type, body: content })).status).toBe(201);
  }
  const [config, ...layers] = contents.map((content) => ({ digest: digestOf(content), size: content.length }));
  const body = JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: { mediaType: CONFIG, ...config },
    layers: layers.map((layer) => ({ mediaType: LAYER, ...layer })),
  });
  const path = `/v2/${REPOSITORY}/manifests/${tag}`;
  const answer = await client.ask({ method: "PUT", path, headers: { "Content-Type": MANIFEST }, body });
  expect(answer.status).toBe(201);
  return found;
}

/** Debian's docker-registry (2.8) serves the store and takes a push that relies on blobs which nothing else uses. */
async function pushToDistribution(store: Store, folder: string): Promise<readonly Image[]> {
  const addr = `127.0.0.1:${await freePort()}`;
  const config = join(folder, "distribution.yml");
  const storage = { filesystem: { rootdirectory: store.root } };
  await writeFile(config, JSON.stringify({ version: 0.1, log: { level: "warn" }, storage, http: { addr } }));
  const daemon = await startDaemon("docker-registry", ["serve", config], {
    ready: async () => (await fetch(`http://${addr}/v2/`)).ok,
  });
  const client = createHttpClient(`http://${addr}`);
  try {
    expect(await pushOverOldBlobs(client, "late")).toBeGreaterThan(0);
  } finally {
    client.close();
    await daemon.stop();
  }
  return [{ repository: REPOSITORY, tag: "late" }];
}

/** Puts back what the backup has, with its times, as an administrator does. */
async function restore({ root, backup }: Store): Promise<readonly Image[]> {
  await run("cp", ["-a", `${backup}/.`, `${root}/`]);
  return imagesFrom(IMAGES, IMAGES + RESTORED);
}

/** As `writeStore` names them. */
const imagesFrom = (first: number, end: number): readonly Image[] =>
  Array.from({ length: end - first }, (_, index) => {
    const image = first + index;
    return { repository: `team${image % 20}/app${image % REPOSITORIES}`, tag: `t${image}` };
  });

/** Everything that pulling the image takes and doesn't get. */
async function missingOf({ repository, tag }: Image, client: HttpClient): Promise<readonly string[]> {
  const manifest = await client.ask({ path: `/v2/${repository}/manifests/${tag}` });
  if (manifest.status !== 200) return [`${repository}:${tag}: ${manifest.status}`];
  const digests = [...new Set(manifest.text().match(/sha256:[0-9a-f]{64}/g))];
  expect(digests.length).toBeGreaterThan(2);
  const missing: string[] = [];
  for (const digest of digests) {
    const blob = await client.ask({ path: `/v2/${repository}/blobs/${digest}` });
    if (blob.status !== 200 || `sha256:${createHash("sha256").update(blob.body).digest("hex")}` !== digest) {
      missing.push(`${digest} of ${repository}:${tag}: ${blob.status}`);
    }
  }
  return missing;
}

function declareInterruptions(meanwhile: (store: Store, folder: string) => Promise<readonly Image[]>): void {
  it.each(moments)(
    "loses nothing to the next one when it is killed %s",
    async (_title, moment) => {
      await using folder = await makeTemporaryFolder("gc-killed");
      const store = await createStore(folder.path);
      await collectUntil(moment, store);
      const wanted = [...imagesFrom(0, IMAGES), ...(await meanwhile(store, folder.path))];
      await run(process.execPath, [PROGRAM, "garbage-collect", "--delete-untagged", "--quiet", store.config]);

      await using registry = await startRegistry({ root: store.root });
      const missing: string[] = [];
      for (const image of wanted) missing.push(...(await missingOf(image, registry.client)));
      expect(missing).toEqual([]);
      const [, hex = ""] = digestOf("garbage 1").split(":");
      const unused = join(store.root, "docker/registry/v2/blobs/sha256", hex.slice(0, 2), hex, "data");
      expect(existsSync(unused)).toBe(false);
    },
    PATIENCE,
  );
}

describe("a collection, and then a restored backup", () => declareInterruptions(restore));
describePeers("a collection, and then a push to Distribution", ["docker-registry"], () => {
  declareInterruptions(pushToDistribution);
});
