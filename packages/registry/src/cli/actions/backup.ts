import { Resources } from "@longshore/base/resources";
import {
  chooseDriver,
  copyStore,
  openRegistry,
  type ChosenDriver,
  type CopyStoreOptions,
  type Registry,
} from "@longshore/storage";
import { resolve } from "node:path";
import { findingsOf, readConfiguration } from "../configuration.js";
import { formatMebibytes } from "../../garbage-collection/progress.js";
import type { Config } from "../../config/config.js";
import type { Invocation } from "../command.js";
import { UsageError } from "../flags.js";
import { isMirrored } from "../../config/mirrored.js";
import { withRegistry, type RegistryContext } from "../with-registry.js";

/** Copies all repositories to another storage. */
export function backUp(invocation: Invocation): Promise<number> {
  const { flags, operands } = invocation;
  return withRegistry(invocation, { changes: false }, async (context) => {
    await using opened = new Resources();
    const target = await openOther(operands[0] ?? "", context.config, opened);
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
    const source = await openOther(place, context.config, opened);
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

async function copy(
  source: Registry,
  target: Registry,
  options: Pick<CopyStoreOptions, "mirror">,
  { config, status, signal, invocation }: RegistryContext & { readonly invocation: Invocation },
): Promise<number> {
  let [bytes, items, current] = [0, 0, ""];
  const show = (): void => {
    status.update(() => `copying ${current}: ${items} blobs, manifests and tags, ${formatMebibytes(bytes)}`);
  };
  const result = await copyStore(source, target, {
    ...options,
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
  });
  status.clear();
  const { repositories, tags, manifests, blobs, removed, problems } = result;
  const copied = `${tags} tags, ${manifests} manifests and ${blobs} blobs (${formatMebibytes(result.bytes)}) copied`;
  invocation.terminal.out(`${repositories} repositories: ${copied}, ${removed} removed, ${problems} problems\n`);
  return problems > 0 ? 1 : 0;
}

/** The repositories of a folder, or of the storage that another configuration describes. */
async function openOther(place: string, own: Config, opened: Resources): Promise<Registry> {
  if (place === "-" || /\.tar(\.\w+)?$/.test(place)) {
    throw new UsageError("a tar file isn't supported; use a folder, and pack or unpack that");
  }
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
