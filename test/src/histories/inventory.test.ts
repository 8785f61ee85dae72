import { mkdir } from "node:fs/promises";
import { createDriver } from "@longshore/storage";
import { contentOf, indexOf, OCI_CONFIG, OCI_INDEX, OCI_MANIFEST, type Content } from "@longshore/testkit/fixtures";
import type { Ask, HttpClient } from "@longshore/testkit/http-client";
import { describePeers } from "@longshore/testkit/peers";
import { runLength, seedOf } from "@longshore/testkit/run-length";
import { s3Parameters, startS3Server, type S3Kind } from "@longshore/testkit/s3/server";
import { startRegistry, type RunningRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { describe, expect, it } from "vitest";
import { createRandom } from "../gc/fuzz-universe.js";

const ROUNDS = runLength({ short: 1, long: 20, variable: "HISTORY_INVENTORY_ROUNDS" });
const SEED = seedOf("HISTORY_SEED");
const PATIENCE = 900_000;

const CLIENTS = 6;
const REPOSITORIES = ["a", "a/b", "c"];
const TAGS = ["1", "2", "3"];
const INVENTORY = "/docker/registry/v2/longshore/inventory";

const CONFIG = contentOf(JSON.stringify({ os: "linux", architecture: "arm64", created: "2026-01-01T00:00:00Z" }));
const LAYERS = ["one", "another"].map((text) => contentOf(text));
const descriptorOf = (mediaType: string, { bytes, digest }: Content) => ({ mediaType, digest, size: bytes.length });

interface Pushable {
  readonly mediaType: string;
  readonly content: Content;
}

function imageOf(layer: Content, extra: object = {}): Pushable {
  const layers = [descriptorOf("application/octet-stream", layer)];
  const config = descriptorOf(OCI_CONFIG, CONFIG);
  const image = { schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers, ...extra };
  return { mediaType: OCI_MANIFEST, content: contentOf(JSON.stringify(image)) };
}

const IMAGE = imageOf(contentOf("one"));
const OTHER_IMAGE = imageOf(contentOf("another"));
const [DESCRIPTOR, OTHER] = [IMAGE, OTHER_IMAGE].map(({ content }) => descriptorOf(OCI_MANIFEST, content));
const SIGNATURE = imageOf(CONFIG, { subject: DESCRIPTOR, artifactType: "application/vnd.example.signature" });
const INDEX = { mediaType: OCI_INDEX, content: contentOf(JSON.stringify(indexOf([DESCRIPTOR, OTHER]))) };
const MANIFESTS: readonly Pushable[] = [IMAGE, OTHER_IMAGE, SIGNATURE, INDEX];

type Step = "push" | "untag" | "delete" | "remove" | "look";

/** What clients do, each as often as it is named: first everything, then what leaves traces if others don't learn of it. */
const STEPS: readonly Step[] = ["push", "push", "push", "push", "untag", "delete", "remove", "look", "look"];
const LAST_STEPS: readonly Step[] = ["push", "push", "delete", "delete", "look"];

/** Everything that the inventory of the process says, asked for twice: the second answer comes from what it remembers. */
async function viewOf(client: HttpClient): Promise<unknown> {
  const get = async (path: string): Promise<unknown> => {
    await client.ask({ path });
    const answer = await client.ask({ path });
    return answer.status === 404 ? 404 : JSON.parse(answer.text());
  };
  const repository = async (name: string) => ({
    tags: await get(`/v2/${name}/_longshore/repository/tags?sort=pushed`),
    usage: await get(`/v2/${name}/_longshore/repository/usage`),
    referrers: await get(`/v2/${name}/_longshore/repository/referrers/${IMAGE.content.digest}`),
  });
  return {
    repositories: await get("/v2/_longshore/catalog/repositories?sort=size"),
    usage: await get("/v2/_longshore/maintenance/usage"),
    contents: await Promise.all(REPOSITORIES.map(repository)),
  };
}

async function push(client: HttpClient, name: string, reference: string, { mediaType, content }: Pushable) {
  for (const { digest, bytes } of [CONFIG, ...LAYERS]) {
    await client.ask({ method: "POST", path: `/v2/${name}/blobs/uploads/?digest=${digest}`, body: bytes });
  }
  return client.ask({
    method: "PUT",
    path: `/v2/${name}/manifests/${reference}`,
    headers: { "Content-Type": mediaType },
    body: content.bytes,
  });
}

interface Changes {
  readonly registries: readonly RunningRegistry[];
  readonly seed: number;
  readonly steps: readonly Step[];
  readonly operations: number;
  /** Called at a random moment. */
  readonly disturb?: () => Promise<void>;
}

/**
 * Lets clients change a few repositories through all registries. What one of them was asked and didn't answer may have happened without the
 * others' knowledge; so all of that repository is pushed again, through the first one, at the end.
 */
async function change({ registries, seed, steps, operations, disturb }: Changes): Promise<void> {
  const unsure = new Set<string>();
  let count = 0;
  let disturbed: Promise<void> | undefined;
  const disturbAt = CLIENTS * operations * createRandom(seed)();

  const act = async (client: HttpClient, random: () => number): Promise<void> => {
    const oneOf = <T>(all: readonly T[]): T => {
      const chosen = all[Math.floor(random() * all.length)];
      if (chosen === undefined) throw new Error("nothing to choose from");
      return chosen;
    };
    const [step, name, tag, manifest] = [oneOf(steps), oneOf(REPOSITORIES), oneOf(TAGS), oneOf(MANIFESTS)];
    const remove = (path: string): Ask => ({ method: "DELETE", path: `/v2/${name}/${path}` });
    const requests = {
      push: () => push(client, name, random() < 0.7 ? tag : manifest.content.digest, manifest),
      untag: () => client.ask(remove(`manifests/${tag}`)),
      delete: () => client.ask(remove(`manifests/${manifest.content.digest}`)),
      remove: () => client.ask(remove("_longshore/repository/contents")),
      look: () => client.ask({ path: `/v2/${name}/_longshore/repository/tags` }),
    };
    const status = await requests[step]().then(
      (answer) => answer.status,
      () => 500,
    );
    if (status >= 500) unsure.add(name);
  };

  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, client) => {
      const random = createRandom(seed * 1000 + client);
      const registry = registries[client % registries.length];
      for (let turn = 0; registry !== undefined && turn < operations; turn += 1) {
        count += 1;
        if (count >= disturbAt) disturbed ??= disturb?.();
        await act(registry.client, random);
      }
    }),
  );
  await disturbed;
  for (const { client } of registries.slice(0, 1)) {
    for (const name of unsure) {
      for (const manifest of MANIFESTS) await push(client, name, manifest.content.digest, manifest);
      for (const tag of TAGS) await push(client, name, tag, IMAGE);
    }
  }
}

function declareHistories(kind: S3Kind | "filesystem"): void {
  it(
    "says in every process what a rebuild from nothing says, after any history",
    async () => {
      await using folder = await makeTemporaryFolder("inventories");
      await using server = kind === "filesystem" ? undefined : await startS3Server(kind);
      const root = `${folder.path}/data`;
      await mkdir(root);
      const parameters =
        server === undefined ? { rootdirectory: root } : s3Parameters(server, await server.newBucket());
      const bucket = { filesystem: undefined, s3: parameters, redirect: { disable: true } };
      const settings = { root, config: server === undefined ? {} : { storage: bucket } };
      const driver = await createDriver(server === undefined ? "filesystem" : "s3", parameters);
      const first = await startRegistry(settings);
      let second = await startRegistry(settings);
      try {
        for (let round = 0; round < ROUNDS; round += 1) {
          const kill = async (): Promise<void> => {
            process.kill(second.pid, "SIGKILL");
            await second.stop();
          };
          const seed = SEED + round;
          await change({ registries: [first, second], seed, steps: STEPS, operations: 12, disturb: kill });
          await second[Symbol.asyncDispose]();
          second = await startRegistry(settings);
          await change({ registries: [first, second], seed: seed + 0.5, steps: LAST_STEPS, operations: 6 });
          const views = [await viewOf(first.client), await viewOf(second.client)];
          await second[Symbol.asyncDispose]();
          second = await startRegistry(settings);
          views.push(await viewOf(second.client));
          await second[Symbol.asyncDispose]();
          await driver.delete(INVENTORY);
          second = await startRegistry(settings);
          const rebuilt = await viewOf(second.client);
          for (const view of views) expect(view, `seed ${seed}`).toEqual(rebuilt);
        }
      } finally {
        await driver.close();
        await Promise.all([first[Symbol.asyncDispose](), second[Symbol.asyncDispose]()]);
      }
    },
    PATIENCE,
  );
}

describe("the inventory of two registries over one directory", () => declareHistories("filesystem"));
describe("the inventory of two registries over one bucket of the stand-in", () => declareHistories("stand-in"));
describePeers("the inventory of two registries over one bucket of Ceph", ["ceph"], () => declareHistories("ceph"));
