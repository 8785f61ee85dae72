import { Resources } from "@longshore/base/resources";
import {
  copyRepositories,
  createUpstream,
  openRegistryTarget,
  type CopyResult,
  type CopyTarget,
  type WantedPlatform,
} from "@longshore/mirror";
import {
  parseDestination,
  parsePlatform,
  parseSource,
  renameFor,
  type CopyDestination,
} from "@longshore/mirror/configuration";
import type { Config } from "../../config/config.js";
import { upstreamAt } from "../../config/sync.js";
import { openStorageTarget } from "../../copying/open-target.js";
import { unfrozen } from "../../mirroring/open-mirror.js";
import { JOBS, type Side } from "../copy-flags.js";
import { readRemote } from "../remote-options.js";
import { openDriverWithMiddleware } from "../../open-storage.js";
import type { Invocation } from "../command.js";
import { UsageError } from "../flags.js";
import { runCopyCommand, type CopyContext } from "../run-copy.js";

const MAX_JOBS = 64;

/**
 * Copies repositories from another registry into this one's storage, or to a third registry. What was copied goes to standard output, the
 * rest to standard error. Exits with 0 when everything is there, 1 if something failed, 130 if a signal ended it.
 */
export function copyFromRegistry(invocation: Invocation): Promise<number> {
  const [source = "", destination = ""] = invocation.operands;
  return runCopyCommand(invocation, (config, context) =>
    copy(config, { ...invocation, ...context, source, destination }),
  );
}

interface CopyInvocation extends Pick<Invocation, "flags" | "values" | "terminal">, CopyContext {
  readonly source: string;
  readonly destination: string;
}

async function copy(config: Config, invocation: CopyInvocation): Promise<CopyResult> {
  const { flags, values, signal, observer } = invocation;
  const source = parseSource(invocation.source);
  const destination = parseDestination(invocation.destination);
  const platforms = values.get("platform")?.split(",").map(parsePlatform);
  const jobs = jobsOf(values.get("jobs"));
  await using opened = new Resources();
  const from = await remote(config, invocation, "source", source.remoteurl);
  const upstream = opened.add(createUpstream(from.options, from.ports));
  const target = await openTarget(config, destination, { ...invocation, platforms, opened });
  return await copyRepositories({
    source: upstream,
    target,
    repositories: [source.repository],
    tags: source.tags,
    rename: renameFor(source.repository, destination.name),
    renameTag: destination.tag,
    platforms,
    referrers: !flags.has("no-referrers"),
    full: flags.has("full"),
    dryRun: flags.has("dry-run"),
    jobs,
    signal,
    observer,
  });
}

async function openTarget(
  config: Config,
  destination: CopyDestination,
  invocation: CopyInvocation & {
    readonly platforms: readonly WantedPlatform[] | undefined;
    readonly opened: Resources;
  },
): Promise<CopyTarget> {
  const { log, opened, platforms } = invocation;
  if (destination.remoteurl !== undefined) {
    const to = await remote(config, invocation, "destination", destination.remoteurl);
    return opened.add(openRegistryTarget(to.options, to.ports)).target;
  }
  const driver = opened.add(await openDriverWithMiddleware(config, log));
  return opened.add(await openStorageTarget(config, driver, { log, sparse: platforms !== undefined })).target;
}

function remote({ proxy }: Config, { flags, values, terminal }: CopyInvocation, side: Side, remoteurl: string) {
  const upstream = upstreamAt(proxy, remoteurl);
  const configured = upstream === undefined ? undefined : unfrozen(upstream.options);
  return readRemote({ side, remoteurl, flags, values, environment: terminal.environment, configured });
}

function jobsOf(text: string | undefined): number {
  if (text === undefined) return JOBS;
  const jobs = Number(text);
  if (Number.isInteger(jobs) && jobs >= 1 && jobs <= MAX_JOBS) return jobs;
  throw new UsageError(`invalid argument ${JSON.stringify(text)} for --jobs flag: a number from 1 to ${MAX_JOBS}`);
}
