import { hasErrno } from "@longshore/base/errno";
import { Resources } from "@longshore/base/resources";
import {
  archiveStore,
  chooseDriver,
  copyStore,
  openRegistry,
  unpackTar,
  writeTar,
  type ArchiveSink,
  type ChosenDriver,
  type CopiedStore,
  type CopyStoreOptions,
  type Registry,
} from "@longshore/storage";
import { createReadStream } from "node:fs";
import { access, mkdtemp, open, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Writable } from "node:stream";
import { findingsOf, readConfiguration } from "../configuration.js";
import type { Config } from "../../config/config.js";
import type { Invocation } from "../command.js";
import { UsageError } from "../flags.js";
import { isMirrored } from "../../config/mirrored.js";
import { counted, countedRepositories, formatBytes } from "../../wording.js";
import { withRegistry, type RegistryContext } from "../with-registry.js";

/** Copies all repositories to another storage. */
export function backUp(invocation: Invocation): Promise<number> {
  const { flags, operands } = invocation;
  const place = operands[0] ?? "";
  return withRegistry(invocation, { changes: false }, async (context) => {
    if (isArchive(place)) {
      if (flags.has("mirror")) throw new UsageError("--mirror isn't for a tar, which always is a new copy");
      return await archive(place, { ...context, invocation });
    }
    await using opened = new Resources();
    const target = await openOther(place, context.config, opened);
    return await copy(context.registry, target, { mirror: flags.has("mirror") }, { ...context, invocation });
  });
}

/** Copies all repositories of a backup into this storage. */
export function restoreFrom(invocation: Invocation): Promise<number> {
  const { flags, operands } = invocation;
  const place = operands[0] ?? "";
  return withRegistry(invocation, { changes: true }, async (context) => {
    const { registry, status } = context;
    await using opened = new Resources();
    const unpacked = isArchive(place) ? await unpack(place, context, opened) : place;
    const source = await openOther(unpacked, context.config, opened);
    if ((await source.repositories({ limit: 1 })).items.length === 0) {
      status.line(`there are no repositories in ${place}; nothing was restored`);
      return 1;
    }
    if (!flags.has("merge") && (await registry.repositories({ limit: 1 })).items.length > 0) {
      status.line("this storage has repositories; use --merge to restore into it, or to continue a restore");
      return 1;
    }
    return await copy(source, registry, {}, { ...context, invocation });
  });
}

/** A command's parts that say how far a copy is. */
type CopyContext = RegistryContext & { readonly invocation: Invocation };

async function copy(
  source: Registry,
  target: Registry,
  options: Pick<CopyStoreOptions, "mirror">,
  context: CopyContext,
): Promise<number> {
  const result = await copyStore(source, target, { ...options, ...reporting(context) });
  context.status.clear();
  context.invocation.terminal.out(`${summaryOf(result)}\n`);
  return result.problems > 0 ? 1 : 0;
}

/** Writes all repositories into a tar file, which has its name once it is complete, or to standard output. */
async function archive(place: string, context: CopyContext): Promise<number> {
  const { registry, config, status, invocation } = context;
  const fill = (sink: ArchiveSink): Promise<CopiedStore> =>
    archiveStore(registry, sink, { ...reporting(context), validation: config.validation });
  if (place === "-") {
    const result = await writeTar(process.stdout, fill);
    status.clear();
    // Standard output is the tar.
    status.line(summaryOf(result));
    return result.problems > 0 ? 1 : 0;
  }
  if (await isThere(place)) throw new UsageError(`${place} exists; a tar is always a new copy, so use another name`);
  const partial = `${place}.partial`;
  const file = await createFile(partial);
  try {
    const result = await writeTar(file, fill);
    await rename(partial, place);
    status.clear();
    invocation.terminal.out(`${summaryOf(result)}\n`);
    return result.problems > 0 ? 1 : 0;
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** Creates a file that only its owner reads, and opens it for writing. Throws UsageError if there is one, or a link. */
async function createFile(path: string): Promise<Writable> {
  try {
    return (await open(path, "wx", 0o600)).createWriteStream({ flush: true });
  } catch (error) {
    if (!hasErrno(error, "EEXIST")) throw error;
    throw new UsageError(
      `${path} exists: another backup is writing it, or one was killed; if none is running, remove it`,
    );
  }
}

/** Unpacks a tar into a temporary folder, which is removed at the end; returns its path. */
async function unpack(place: string, { status, signal }: RegistryContext, opened: Resources): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "registry-restore-"));
  opened.add({ close: () => rm(folder, { recursive: true, force: true }) });
  status.update(() => `unpacking ${place} to ${folder}`);
  await unpackTar(place === "-" ? process.stdin : createReadStream(place), folder, signal);
  return folder;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return false;
    throw error;
  }
}

function reporting({ config, status, signal }: RegistryContext): CopyStoreOptions {
  let [bytes, items, current] = [0, 0, ""];
  const show = (): void => {
    status.update(() => `copying ${current}: ${items} blobs, manifests and tags, ${formatBytes(bytes)}`);
  };
  return {
    signal,
    isLeftOut: (name) => isMirrored(config, name),
    onRepository: (name) => {
      current = name;
      show();
    },
    onCopied: () => {
      items += 1;
      show();
    },
    onBytes: (count) => {
      bytes += count;
      show();
    },
    onProblem: ({ name, what, error }) => status.line(`not copied: ${name} ${what}: ${error.message}`),
  };
}

function summaryOf(result: CopiedStore): string {
  const { repositories, tags, manifests, blobs, removed, problems } = result;
  const copied = `${counted(tags, "tag")}, ${counted(manifests, "manifest")} and ${counted(blobs, "blob")} (${formatBytes(result.bytes)}) copied`;
  return `${countedRepositories(repositories)}: ${copied}, ${removed} removed, ${counted(problems, "problem")}`;
}

/** Whether a place is a tar: a file's name, or `-` for a standard stream. Throws UsageError for one that is compressed. */
function isArchive(place: string): boolean {
  if (/\.(?:tgz|tar\.\w+)$/i.test(place)) {
    throw new UsageError("a compressed tar isn't supported; use - and a pipe, such as `… backup config.yml - | gzip`");
  }
  return place === "-" || /\.tar$/i.test(place);
}

/** The repositories of a folder, or of the storage that another configuration describes. */
async function openOther(place: string, own: Config, opened: Resources): Promise<Registry> {
  const chosen = /\.ya?ml$/i.test(place) ? await driverIn(place) : folder(place);
  const { driver } = own.storage;
  if (chosen.kind === driver.kind && chosen.identity === driver.identity) {
    throw new UsageError(`${place} is the storage of this registry itself`);
  }
  return openRegistry(opened.add(await chosen.open()), {
    validation: own.validation,
    maxManifestBytes: own.http.limits.manifestsize,
  });
}

function folder(path: string): ChosenDriver {
  return chooseDriver("filesystem", { rootdirectory: resolve(path) });
}

/** Without the environment, whose variables mean this registry's storage. */
async function driverIn(path: string): Promise<ChosenDriver> {
  const { loaded } = await readConfiguration(path, {});
  if (loaded.config) return loaded.config.storage.driver;
  throw new Error(findingsOf(loaded.errors).join("\n"));
}
