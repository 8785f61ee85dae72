import { Resources } from "@longshore/base/resources";
import {
  copyRepositories,
  createUpstream,
  openRegistryTarget,
  parseDestination,
  parsePlatform,
  parseSource,
  renameFor,
  type CopyDestination,
  type CopyResult,
  type CopyTarget,
  type WantedPlatform,
} from "@longshore/mirror";
import type { Config } from "../../config/config.js";
import { upstreamAt } from "../../config/sync.js";
import { openStorageTarget } from "../../copying/open-target.js";
import { unfrozen } from "../../mirroring/open-mirror.js";
import { readRemote, remoteFlags, type Side } from "../remote-options.js";
import { openDriverWithMiddleware } from "../../open-storage.js";
import type { Command, Invocation } from "../command.js";
import { UsageError } from "../flags.js";
import { COPY_FLAGS, runCopyCommand, type CopyContext } from "../run-copy.js";

/** Transfers at the same time. */
const JOBS = 6;
const MAX_JOBS = 64;

/**
 * Copies repositories from another registry into this one's storage, or to a third registry. What was copied goes to standard output, the
 * rest to standard error. Exits with 0 when everything is there, 1 if something failed, 130 if a signal ended it.
 */
export const mirrorCopy: Command = {
  name: "mirror copy",
  operands: ["<source>", "<destination>"],
  summary: "`mirror copy` copies repositories from another registry",
  details: [
    "<source> is a host and a repository, such as docker.io/library/alpine:3.20. Patterns are allowed in both parts (quay.io/team/**:v*,latest);",
    "without a tag, all tags are copied. <destination> is a repository of this registry (with a pattern: the prefix of the names), `.` for",
    "the same names, or https://host/repository for another registry. Safe to run while registries are serving. If a run is interrupted, run it",
    "again: what is already present is skipped.",
  ].join("\n"),
  flags: [
    ...COPY_FLAGS,
    {
      name: "platform",
      value: "list",
      meaning: "copy only images for these platforms, such as linux/amd64,linux/arm64",
    },
    { name: "no-referrers", meaning: "leave out signatures, SBOMs and other referrers" },
    { name: "jobs", short: "j", value: "number", meaning: `concurrent transfers (default: ${JOBS})` },
    ...remoteFlags("source"),
    ...remoteFlags("destination"),
  ],
  run,
};

function run(invocation: Invocation): Promise<number> {
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
