import { rm } from "node:fs/promises";
import { join } from "node:path";
import { MANIFEST_TYPE, pushImage, writeTags, type Fixtures } from "./fixtures.js";
import { runLoad, runWrk } from "./generate.js";
import type { LoadResult, PushJob } from "./load/job.js";
import type { Target } from "./servers.js";

/** The groups that compare us with the original. */
export const GROUPS = ["small", "large", "push", "tags"] as const;
export type Group = (typeof GROUPS)[number];

/** What each round measures on each registry. */
export interface Operation {
  readonly name: string;
  /** How many times theirs ours is to be. */
  readonly aim: number;
  /** Bytes that one operation moves, where throughput says more than a rate. */
  readonly bytes?: number;
  run(target: Target, fixtures: Fixtures, seconds: number): Promise<LoadResult>;
}

/** A group's operations and what has to be in a registry before them. */
export interface GroupPlan {
  readonly operations: readonly Operation[];
  prepare(target: Target, fixtures: Fixtures): Promise<void>;
}

const IMAGE = "bench/image";
const TAGGED = "bench/tagged";
const PUSHED = "bench/pushed";
const TAG_COUNT = 10_000;
const CONNECTIONS = 16;
const KIB = 1024;
const GIB = 1024 * 1024 * KIB;

const ACCEPT = [`Accept: ${MANIFEST_TYPE}`];

/** Builds the plan of a group; each registry gets the blob that it made for large pulls. */
export function planGroup(group: Group): GroupPlan {
  switch (group) {
    case "small":
      return { operations: [byTag, byDigest, blobHead, smallBlob], prepare: prepareImage };
    case "tags":
      return { operations: [tagsPage], prepare: prepareTags };
    case "push":
      return { operations: [pushSmall(1), pushSmall(8)], prepare: () => Promise.resolve() };
    case "large":
      return planLarge();
  }
}

const byTag: Operation = {
  name: "manifest GET by tag",
  aim: 5,
  run: (target, _, seconds) =>
    runWrk({
      url: `${target.origin}/v2/${IMAGE}/manifests/latest`,
      connections: CONNECTIONS,
      seconds,
      headers: ACCEPT,
    }),
};

const byDigest: Operation = {
  name: "manifest GET by digest",
  aim: 5,
  run: (target, fixtures, seconds) => {
    const url = `${target.origin}/v2/${IMAGE}/manifests/${fixtures.manifestDigest}`;
    return runWrk({ url, connections: CONNECTIONS, seconds, headers: ACCEPT });
  },
};

const blobHead: Operation = {
  name: "blob HEAD",
  aim: 5,
  run: (target, fixtures, seconds) =>
    runLoad({ kind: "head", url: layerUrl(target, fixtures), connections: CONNECTIONS, seconds }),
};

const smallBlob: Operation = {
  name: "blob GET, 10 KiB",
  aim: 5,
  run: (target, fixtures, seconds) => runWrk({ url: layerUrl(target, fixtures), connections: CONNECTIONS, seconds }),
};

const tagsPage: Operation = {
  name: "tags/list?n=100 of 10,000",
  aim: 10,
  run: (target, _, seconds) =>
    runWrk({ url: `${target.origin}/v2/${TAGGED}/tags/list?n=100`, connections: CONNECTIONS, seconds }),
};

function pushSmall(connections: number): Operation {
  return {
    name: `push 10 KiB, ${connections} at a time`,
    aim: 1.5,
    run: (target, _, seconds) =>
      runLoad({ ...pushOf(target), how: "monolithic", size: 10 * KIB, connections, limit: { seconds } }),
  };
}

function planLarge(): GroupPlan {
  const held = new Map<Target["name"], string>();
  return {
    operations: [
      {
        name: "blob GET, 1 GiB",
        aim: 1.5,
        bytes: GIB,
        run: (target) =>
          runLoad({ kind: "download", urls: [`${target.origin}/v2/${PUSHED}/blobs/${held.get(target.name) ?? ""}`] }),
      },
      { name: "push 1 GiB, POST+PUT", aim: 2, bytes: GIB, run: (target) => pushLarge(target, "monolithic") },
      { name: "push 1 GiB, POST+PATCH+PUT", aim: 2, bytes: GIB, run: (target) => pushLarge(target, "patch") },
    ],
    prepare: async (target) => {
      const result = await runLoad({
        ...pushOf(target),
        how: "monolithic",
        size: GIB,
        connections: 1,
        limit: { count: 1 },
      });
      held.set(target.name, result.digests[0] ?? "");
    },
  };
}

/** One push; its blob is taken from the disk again at once, so that a run needs only a few GiB. */
async function pushLarge(target: Target, how: PushJob["how"]): Promise<LoadResult> {
  const result = await runLoad({ ...pushOf(target), how, size: GIB, connections: 1, limit: { count: 1 } });
  for (const digest of result.digests) {
    const [algorithm = "", hex = ""] = digest.split(":");
    const folder = join(target.root, "docker/registry/v2/blobs", algorithm, hex.slice(0, 2), hex);
    await rm(folder, { recursive: true });
  }
  return result;
}

async function prepareImage(target: Target, fixtures: Fixtures): Promise<void> {
  await pushImage(target, IMAGE, "latest", fixtures);
}

async function prepareTags(target: Target, fixtures: Fixtures): Promise<void> {
  await pushImage(target, TAGGED, "v00000", fixtures);
  await writeTags(target, TAGGED, TAG_COUNT, fixtures);
}

function pushOf(target: Target): Pick<PushJob, "kind" | "origin" | "repository"> {
  return { kind: "push", origin: target.origin, repository: PUSHED };
}

function layerUrl(target: Target, fixtures: Fixtures): string {
  return `${target.origin}/v2/${IMAGE}/blobs/${fixtures.layers[0]?.digest ?? ""}`;
}
