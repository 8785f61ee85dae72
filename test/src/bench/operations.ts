import { rm } from "node:fs/promises";
import { join } from "node:path";
import {
  copyRepository,
  createFixtures,
  MANIFEST_TYPE,
  pushImage,
  writeRepositories,
  writeTags,
  type Fixtures,
} from "./fixtures.js";
import { runLoad, runWrk } from "./generate.js";
import type { LoadResult, PushJob } from "./load/job.js";
import type { Target } from "./servers.js";

/** The groups that compare us with Distribution. */
export const GROUPS = ["small", "large", "pull", "push", "tags", "scale"] as const;
export type Group = (typeof GROUPS)[number];

/** What ours is to be, as shares of Distribution's figures. */
interface Aim {
  /** At least this many times its speed. */
  readonly speed: number;
  /** At most this share of its CPU time for each operation. */
  readonly cpu: number;
}

/** A request whose answer is always the same. */
export interface Question {
  readonly path: string;
  /** The `Accept` header; undefined: none. */
  readonly accept?: string;
  /** The files below the storage's root that say whether the answer still holds. */
  readonly files: readonly string[];
}

/** What each round measures on each registry. */
export interface Operation {
  readonly name: string;
  readonly aim: Aim;
  /** What it asks again and again, so that a program without a registry's work can be asked as well. */
  readonly question?: (fixtures: Fixtures) => Question;
  /** Bytes that one operation moves, where throughput says more than a rate. */
  readonly bytes?: number;
  run(target: Pick<Target, "name" | "origin" | "root">, fixtures: Fixtures, seconds: number): Promise<LoadResult>;
}

/** What {@link asking} makes an operation of. */
interface Asking extends Pick<Operation, "name" | "aim"> {
  readonly method?: "GET" | "HEAD";
  readonly question: (fixtures: Fixtures) => Question;
}

/** A group's operations and what has to be in a registry before them. */
export interface GroupPlan {
  readonly operations: readonly Operation[];
  prepare(target: Target, fixtures: Fixtures): Promise<void>;
}

const IMAGE = "bench/image";
const TAGGED = "bench/tagged";
const PUSHED = "bench/pushed";
const LAYERED = "bench/layered";
const TAG_COUNT = 2_000;
const REPOSITORY_COUNT = 500;
const CONNECTIONS = 16;
const KIB = 1024;
const GIB = 1024 * 1024 * KIB;

/** Builds the plan of a group; each registry gets the blob that it made for large pulls. */
export function planGroup(group: Group): GroupPlan {
  switch (group) {
    case "small":
      return { operations: [root, byTag, byDigest, headByTag, blobHead, smallBlob], prepare: prepareImage };
    case "pull":
      return { operations: [pullImage], prepare: prepareLayers };
    case "tags":
      return { operations: [tagsPage, allTags, catalogPage], prepare: prepareLists };
    case "scale":
      return { operations: [manyTags, manyRepositories], prepare: prepareScale };
    case "push":
      return { operations: [pushSmall(1), pushSmall(16), putManifests], prepare: prepareImage };
    case "large":
      return planLarge();
  }
}

const root = asking({
  name: "/v2/",
  aim: { speed: 2.5, cpu: 0.4 },
  question: () => ({ path: "/v2/", files: [] }),
});

const byTag = asking({
  name: "manifest GET by tag",
  aim: { speed: 4, cpu: 0.3 },
  question: () => ({
    path: `/v2/${IMAGE}/manifests/latest`,
    accept: MANIFEST_TYPE,
    files: [`${repositoryFolder(IMAGE)}/_manifests/tags/latest/current/link`],
  }),
});

const byDigest = asking({
  name: "manifest GET by digest",
  aim: { speed: 4, cpu: 0.3 },
  question: ({ manifestDigest }) => ({
    path: `/v2/${IMAGE}/manifests/${manifestDigest}`,
    accept: MANIFEST_TYPE,
    files: [`${repositoryFolder(IMAGE)}/_manifests/revisions/${pathOf(manifestDigest)}/link`],
  }),
});

const headByTag = asking({ ...byTag, name: "manifest HEAD by tag", method: "HEAD" });

const smallBlob = asking({
  name: "blob GET, 10 KiB",
  aim: { speed: 10, cpu: 0.1 },
  question: ({ layers: [layer] }) => ({
    path: `/v2/${IMAGE}/blobs/${layer?.digest ?? ""}`,
    files: [
      `${repositoryFolder(IMAGE)}/_layers/${pathOf(layer?.digest ?? "")}/link`,
      `${blobFolder(layer?.digest ?? "")}/data`,
    ],
  }),
});

const blobHead = asking({ ...smallBlob, name: "blob HEAD", aim: { speed: 3, cpu: 0.4 }, method: "HEAD" });

/** An operation that asks one question again and again. */
function asking({ name, aim, method = "GET", question }: Asking): Asking & Operation {
  return {
    name,
    aim,
    method,
    question,
    run(target, fixtures, seconds) {
      const { path, accept } = question(fixtures);
      const url = target.origin + path;
      if (method === "HEAD") return runLoad({ kind: "head", url, accept, connections: CONNECTIONS, seconds });
      const headers = accept === undefined ? [] : [`Accept: ${accept}`];
      return runWrk({ url, connections: CONNECTIONS, seconds, headers });
    },
  };
}

const tagsPage: Operation = {
  name: "tags/list?n=100 of 2,000",
  aim: { speed: 20, cpu: 0.05 },
  run: (target, _, seconds) =>
    runWrk({ url: `${target.origin}/v2/${TAGGED}/tags/list?n=100`, connections: CONNECTIONS, seconds }),
};

const allTags: Operation = {
  name: "tags/list of 2,000",
  aim: { speed: 20, cpu: 0.05 },
  run: (target, _, seconds) => runWrk({ url: `${target.origin}/v2/${TAGGED}/tags/list`, connections: 4, seconds }),
};

const catalogPage: Operation = {
  name: "_catalog?n=100 of 500",
  aim: { speed: 20, cpu: 0.05 },
  run: (target, _, seconds) => runWrk({ url: `${target.origin}/v2/_catalog?n=100`, connections: 4, seconds }),
};

const manyTags: Operation = { ...tagsPage, name: "tags/list?n=100 of 50,000" };

const manyRepositories: Operation = { ...catalogPage, name: "_catalog?n=100 of 10,000" };

const pullImage: Operation = {
  name: "pull of 30 layers of 1 MiB, 16 clients",
  aim: { speed: 1.3, cpu: 0.8 },
  run: (target) => runLoad({ kind: "pull", origin: target.origin, repository: LAYERED, tag: "latest", clients: 16 }),
};

const putManifests: Operation = {
  name: "manifest PUT, 8 at a time",
  aim: { speed: 2, cpu: 0.7 },
  run: (target, fixtures, seconds) =>
    runLoad({
      kind: "manifests",
      origin: target.origin,
      repository: IMAGE,
      manifest: fixtures.manifest,
      connections: 8,
      seconds,
    }),
};

function pushSmall(connections: number): Operation {
  return {
    name: `push 10 KiB, ${connections} at a time`,
    aim: { speed: 2, cpu: 0.7 },
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
        aim: { speed: 1.3, cpu: 0.8 },
        bytes: GIB,
        run: (target) =>
          runLoad({ kind: "download", urls: [`${target.origin}/v2/${PUSHED}/blobs/${held.get(target.name) ?? ""}`] }),
      },
      {
        name: "64 KiB out of 1 GiB",
        aim: { speed: 1.3, cpu: 0.8 },
        run: (target, _, seconds) =>
          runWrk({
            url: `${target.origin}/v2/${PUSHED}/blobs/${held.get(target.name) ?? ""}`,
            connections: CONNECTIONS,
            seconds,
            headers: [`Range: bytes=${GIB / 2}-${GIB / 2 + 64 * KIB - 1}`],
          }),
      },
      {
        name: "push 1 GiB, POST+PUT",
        aim: { speed: 1.3, cpu: 0.8 },
        bytes: GIB,
        run: (target) => pushLarge(target, "monolithic"),
      },
      {
        name: "push 1 GiB, POST+PATCH+PUT",
        aim: { speed: 1.3, cpu: 0.8 },
        bytes: GIB,
        run: (target) => pushLarge(target, "patch"),
      },
      {
        name: "push 1 GiB in chunks of 5 MiB",
        aim: { speed: 1.3, cpu: 0.8 },
        bytes: GIB,
        run: (target) => pushLarge(target, "chunks"),
      },
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
async function pushLarge(target: Pick<Target, "origin" | "root">, how: PushJob["how"]): Promise<LoadResult> {
  const result = await runLoad({ ...pushOf(target), how, size: GIB, connections: 1, limit: { count: 1 } });
  for (const digest of result.digests) {
    await rm(join(target.root, blobFolder(digest)), { recursive: true });
  }
  return result;
}

async function prepareImage(target: Target, fixtures: Fixtures): Promise<void> {
  await pushImage(target, IMAGE, "latest", fixtures);
}

async function prepareLayers(target: Target): Promise<void> {
  await pushImage(target, LAYERED, "latest", createFixtures({ layers: 30, size: 1024 * KIB }));
}

async function prepareScale(target: Target, fixtures: Fixtures): Promise<void> {
  await pushImage(target, TAGGED, "v00000", fixtures);
  await writeTags(target, TAGGED, 50_000, fixtures);
  await writeRepositories(target, 10_000, fixtures);
}

async function prepareLists(target: Target, fixtures: Fixtures): Promise<void> {
  await pushImage(target, TAGGED, "v00000", fixtures);
  await writeTags(target, TAGGED, TAG_COUNT, fixtures);
  await pushImage(target, IMAGE, "latest", fixtures);
  await copyRepository(target, IMAGE, REPOSITORY_COUNT);
}

function pushOf(target: Pick<Target, "origin">): Pick<PushJob, "kind" | "origin" | "repository"> {
  return { kind: "push", origin: target.origin, repository: PUSHED };
}

/** As both registries lay out their files. */
const STORE = "docker/registry/v2";

function repositoryFolder(name: string): string {
  return `${STORE}/repositories/${name}`;
}

function pathOf(digest: string): string {
  return digest.replace(":", "/");
}

function blobFolder(digest: string): string {
  const [algorithm = "", hex = ""] = digest.split(":");
  return `${STORE}/blobs/${algorithm}/${hex.slice(0, 2)}/${hex}`;
}
