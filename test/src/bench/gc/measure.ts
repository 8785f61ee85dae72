import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import {
  createDriver,
  openRegistry,
  parseRepositoryName,
  parseTagName,
  digestOf,
  OCI_MANIFEST,
} from "@longshore/storage";
import { storeBlob } from "@longshore/testkit/store-blob";
import type { Launcher } from "../servers.js";
import { measureCommand, type CommandCost } from "./command.js";
import { WHOLE, writeStore } from "./store.js";

/** One way of collecting, both registries' costs side by side. */
export interface CollectionComparison {
  readonly title: string;
  /** Whether the disk had to be read: a store of terabytes isn't in memory. False where the system doesn't let us. */
  readonly cold: boolean;
  readonly theirs: CommandCost;
  readonly ours: CommandCost;
  /** Images that were pushed while ours collected. */
  readonly pushes: number;
}

const MIB = 1024 * 1024;
/** Longer than a push takes, shorter than the store is old. */
const GRACE = "10s";
const GC_MEMORY_LIMIT = 200 * MIB;

/** Collects the same store with both, each its own copy; ours while images are pushed. `folder` is empty and on one disk. */
export async function compareCollections(
  { theirs, ours }: { readonly theirs: Launcher; readonly ours: Launcher },
  folder: string,
): Promise<readonly CollectionComparison[]> {
  const store = join(folder, "store");
  writeStore(store, WHOLE);
  const results: CollectionComparison[] = [];
  for (const [title, flags] of [
    ["garbage-collect", []],
    ["garbage-collect --delete-untagged", ["-m"]],
  ] as const) {
    const place = join(folder, flags.length === 0 ? "plain" : "untagged");
    const [theirConfig, ourConfig] = [await copyOf(store, `${place}-theirs`), await copyOf(store, `${place}-ours`)];
    const cold = await forgetFiles();
    const theirCost = await measureCommand(
      theirs.program,
      ["garbage-collect", ...flags, theirConfig],
      `${place}-theirs.log`,
    );
    await forgetFiles();
    const pushing = pushAllTheTime(`${place}-ours`);
    const [main = ""] = ours.args;
    const args = [main, "garbage-collect", ...flags, "--grace-period", GRACE, ourConfig];
    const ourCost = await measureCommand(ours.program, args, `${place}-ours.log`).finally(() => pushing.stop());
    results.push({ title, cold, theirs: theirCost, ours: ourCost, pushes: await pushing.done });
  }
  return results;
}

/** Empties the system's memory of files; tells whether it could, which takes root and a system of one's own. */
async function forgetFiles(): Promise<boolean> {
  await promisify(execFile)("sync");
  return writeFile("/proc/sys/vm/drop_caches", "3").then(
    () => true,
    () => false,
  );
}

/** A copy by hard links, which costs no bytes and is told apart by neither: collecting only unlinks. */
async function copyOf(store: string, root: string): Promise<string> {
  await promisify(execFile)("cp", ["-al", store, root]);
  const config = join(dirname(root), `${root.slice(root.lastIndexOf("/") + 1)}.yml`);
  await writeFile(config, `version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: ${root}\n`);
  return config;
}

/** Pushes images of new layers until told to stop; a refused push fails the measurement. */
function pushAllTheTime(root: string): { stop(): void; readonly done: Promise<number> } {
  let isStopped = false;
  const push = async (): Promise<number> => {
    const driver = await createDriver("filesystem", { rootdirectory: root });
    try {
      const { uploads, manifests } = openRegistry(driver).repository(parseRepositoryName("team0/pushed"));
      let count = 0;
      for (; !isStopped; count += 1) {
        const bytes = new TextEncoder().encode(`pushed ${count}`);
        const digest = digestOf(bytes);
        await storeBlob({ uploads }, digest, bytes);
        const descriptor = { mediaType: "application/octet-stream", digest, size: bytes.length };
        const image = { schemaVersion: 2, mediaType: OCI_MANIFEST, config: descriptor, layers: [descriptor] };
        const tags = [parseTagName(`t${count}`)];
        await manifests.put({ bytes: new TextEncoder().encode(JSON.stringify(image)), mediaType: OCI_MANIFEST, tags });
      }
      return count;
    } finally {
      await driver.close();
    }
  };
  const done = push();
  return { stop: () => void (isStopped = true), done };
}

/** The comparison as lines, and whether memory stayed within its limit. */
export function formatCollections(results: readonly CollectionComparison[]): { text: string; met: boolean } {
  const cost = ({ seconds, cpuSeconds, peakBytes }: CommandCost): string =>
    `${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} s of CPU, ${(peakBytes / MIB).toFixed(0)} MiB`;
  const lines = results.map(
    ({ title, cold, theirs, ours, pushes }) =>
      `${title}, ${cold ? "read from the disk" : "read from memory"}\n  original:  ${cost(theirs)}\n  longshore: ${cost(ours)}, with ${pushes} pushes meanwhile` +
      `\n  ${(theirs.seconds / ours.seconds).toFixed(1)} times as fast, ${(theirs.cpuSeconds / ours.cpuSeconds).toFixed(1)} times by CPU (aim 5)`,
  );
  return { text: lines.join("\n"), met: results.every(({ ours }) => ours.peakBytes <= GC_MEMORY_LIMIT) };
}
