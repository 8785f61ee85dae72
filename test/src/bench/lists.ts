import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { loadavg } from "node:os";
import { join } from "node:path";
import { Client } from "undici";
import type { Pace } from "./compare.js";
import { median } from "./median.js";
import { start, type Launcher, type Target } from "./servers.js";

const NAME = "bench/many";
const TAGS = 10_000;
const PAGE = 50;
/** A page with sizes and platforms is to take no longer than this (ms). */
const AIM = 20;

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const CONFIG = "application/vnd.oci.image.config.v1+json";
const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";
const PLATFORMS = ["amd64", "arm64"];

/** How long answers took (ms). */
interface Row {
  readonly name: string;
  readonly aim: number | undefined;
  readonly times: readonly number[];
}

interface ListsReport {
  readonly rows: readonly Row[];
  /** While they were measured (`uptime`). */
  readonly load: number;
}

/**
 * What a page of 50 tags with sizes and platforms out of 10,000 takes, one request at a time to one process: of ours, with different orders,
 * and beside it what a client of Distribution needs to find out the same: the tags, 50 manifests and 50 configs.
 */
export async function measureLists(
  launchers: { readonly theirs: Launcher; readonly ours: Launcher },
  folder: string,
  { rounds, seconds }: Pace,
): Promise<ListsReport> {
  const times = new Map<string, number[]>();
  const note = (name: string, more: readonly number[]): void =>
    void times.set(name, [...(times.get(name) ?? []), ...more]);
  await using theirs = await start(launchers.theirs, folder);
  await writeImages(theirs);
  let written = false;
  for (let round = 0; round < rounds; round += 1) {
    // Started anew: the first page of a process is measured, too.
    await using ours = await start(launchers.ours, folder, launchers.ours.alone);
    if (!written) await writeImages(ours);
    const client = new Client(ours.origin);
    const began = performance.now();
    await pageOf(client, "sort=name");
    note(written ? "the first page of a process that has just started" : "the first page ever", [
      performance.now() - began,
    ]);
    written = true;
    for (const sort of ["name", "pushed", "size", "version"]) {
      note(`pages by ${sort}`, await timePages(client, `sort=${sort}`, seconds));
    }
    note("pages of a search", await timePages(client, "search=7", seconds));
    await client.close();
    note("Distribution: the tags, 50 manifests and their configs", await timeTheirs(theirs, seconds));
  }
  const rows = [...times].map(([name, all]) => ({ name, aim: name.startsWith("pages") ? AIM : undefined, times: all }));
  return { rows, load: loadavg()[0] ?? 0 };
}

/** The report's lines, and whether the aim is met. */
export function formatLists({ rows, load }: ListsReport): { readonly text: string; readonly met: boolean } {
  const lines = rows.map(({ name, aim, times }) => {
    const sorted = times.toSorted((a, b) => a - b);
    const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN;
    const verdict = aim === undefined ? "" : `, aim ${aim} ms: ${median(times) <= aim ? "met" : "MISSED"}`;
    return `${name}: median ${median(times).toFixed(1)} ms, p99 ${p99.toFixed(1)} ms (${times.length} times)${verdict}`;
  });
  const met = rows.every(({ aim = Infinity, times }) => median(times) <= aim);
  return { text: [...lines, `load ${load.toFixed(1)}`].join("\n"), met };
}

/** Asks for page after page, and from the start again, for so many seconds. */
async function timePages(client: Client, query: string, seconds: number): Promise<readonly number[]> {
  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  let next: string | undefined;
  while (performance.now() < end) {
    const began = performance.now();
    next = await pageOf(client, query, next);
    times.push(performance.now() - began);
  }
  return times;
}

async function pageOf(client: Client, query: string, last?: string): Promise<string | undefined> {
  const cursor = last === undefined ? "" : `&last=${encodeURIComponent(last)}`;
  const page = await get(client, `/v2/${NAME}/_longshore/repository/tags?n=${PAGE}&${query}${cursor}`);
  return /"next":"([^"]*)"/.exec(page)?.[1];
}

async function timeTheirs(target: Target, seconds: number): Promise<readonly number[]> {
  const client = new Client(target.origin);
  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    const began = performance.now();
    const { tags } = JSON.parse(await get(client, `/v2/${NAME}/tags/list?n=${PAGE}`)) as { tags: readonly string[] };
    for (const tag of tags.slice(0, PAGE)) {
      const text = await get(client, `/v2/${NAME}/manifests/${tag}`);
      const { config } = JSON.parse(text) as { config: { digest: string } };
      await get(client, `/v2/${NAME}/blobs/${config.digest}`);
    }
    times.push(performance.now() - began);
  }
  await client.close();
  return times;
}

async function get(client: Client, path: string): Promise<string> {
  const { statusCode, body } = await client.request({ method: "GET", path, headers: { accept: MANIFEST } });
  const text = await body.text();
  if (statusCode !== 200) throw new Error(`${path}: ${statusCode} ${text}`);
  return text;
}

/** Writes images, each of its own config and layer and under its own tag, straight to the storage, as either registry would. */
async function writeImages({ root }: Target): Promise<void> {
  const repository = join(root, "docker/registry/v2/repositories", NAME);
  const write = async (path: string, text: string): Promise<void> => {
    await mkdir(join(path, ".."), { recursive: true });
    await writeFile(path, text);
  };
  const blob = async (text: string): Promise<{ readonly digest: string; readonly size: number }> => {
    const hex = createHash("sha256").update(text).digest("hex");
    await write(join(root, "docker/registry/v2/blobs/sha256", hex.slice(0, 2), hex, "data"), text);
    return { digest: `sha256:${hex}`, size: text.length };
  };
  const link = (folder: string, digest: string): Promise<void> => write(join(repository, folder, "link"), digest);
  const writeImage = async (index: number): Promise<void> => {
    const created = new Date(Date.UTC(2026, 0, 1) + index * 60_000).toISOString();
    const config = await blob(
      JSON.stringify({ os: "linux", architecture: PLATFORMS[index % PLATFORMS.length], created, index }),
    );
    const layers = await Promise.all([blob(`layer ${index}`), blob(`layer of some ${index % 100}`)]);
    const parts = layers.map((layer) => ({ mediaType: LAYER, ...layer }));
    const manifest = await blob(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MANIFEST,
        config: { mediaType: CONFIG, ...config },
        layers: parts,
      }),
    );
    for (const { digest } of [config, ...layers]) await link(join("_layers", ...digest.split(":")), digest);
    const revision = manifest.digest.split(":");
    await link(join("_manifests/revisions", ...revision), manifest.digest);
    const tag = join("_manifests/tags", `1.${Math.floor(index / 100)}.${index % 100}`);
    await link(join(tag, "index", ...revision), manifest.digest);
    await link(join(tag, "current"), manifest.digest);
  };
  const indexes = Array.from({ length: TAGS }, (_, index) => index).values();
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (const index of indexes) await writeImage(index);
    }),
  );
}
