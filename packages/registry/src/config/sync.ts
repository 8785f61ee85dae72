import type { WantedPlatform } from "@longshore/mirror";
import {
  CopyError,
  defaultUpstreamOptions,
  isSameRegistry,
  parseDestination,
  parsePlatform,
  parseSource,
  renameBelow,
  renameFor,
  type CopySource,
  type ProxyOptions,
} from "@longshore/mirror/configuration";
import type { Path, Report } from "@longshore/options/report";
import type { proxyConfig } from "./proxy.js";

type Proxy = ReturnType<typeof proxyConfig>;
type Entry = ProxyOptions["sync"]["entries"][number];

/** What is copied from one registry. */
export interface SyncEntry {
  /** As it is written. */
  readonly text: string;
  readonly source: CopySource;
  readonly rename: ReturnType<typeof renameFor>;
  readonly options: NonNullable<Proxy>["upstreams"][number]["options"] | ReturnType<typeof defaultUpstreamOptions>;
  readonly platforms: readonly WantedPlatform[] | undefined;
  readonly referrers: boolean;
}

/** What is copied on a schedule; undefined: nothing. */
export function syncConfig({ entries, ...rest }: ProxyOptions["sync"], proxy: Proxy, report: Report) {
  if (entries.length === 0) return undefined;
  return {
    ...rest,
    entries: entries.flatMap((entry, index) => syncEntry(entry, proxy, ["proxy", "sync", "entries", index], report)),
  };
}

function syncEntry(
  { source: text, destination, platforms, referrers }: Entry,
  proxy: Proxy,
  path: Path,
  report: Report,
): readonly SyncEntry[] {
  const source = parsed(() => parseSource(text), [...path, "source"], report);
  const target = parsed(() => readDestination(destination), [...path, "destination"], report);
  const wanted = parsed(() => platforms.map(parsePlatform), [...path, "platforms"], report);
  if (source === undefined || target === undefined || wanted === undefined) return [];
  const upstream = upstreamAt(proxy, source.remoteurl);
  const isImplied = destination === undefined && upstream !== undefined;
  return [
    {
      text,
      source,
      rename: isImplied ? renameBelow(upstream.prefix) : renameFor(source.repository, target.name),
      options: upstream?.options ?? defaultUpstreamOptions(source.remoteurl),
      platforms: wanted.length === 0 ? undefined : wanted,
      referrers,
    },
  ];
}

/** The upstream that the registry at `remoteurl` is mirrored as, whose credentials and TLS settings are those for it. */
export function upstreamAt<T extends { readonly options: { readonly remoteurl: string } }>(
  proxy: { readonly upstreams: readonly T[] } | undefined,
  remoteurl: string,
): T | undefined {
  return proxy?.upstreams.find(({ options }) => isSameRegistry(options.remoteurl, remoteurl));
}

function readDestination(text = ".") {
  const destination = parseDestination(text);
  if (destination.remoteurl !== undefined || destination.tag !== undefined) {
    throw new CopyError(
      "it is a repository of this registry, without a tag; copy to another one with registry mirror copy",
    );
  }
  return destination;
}

/** What `read` returns; where it says what is wrong, that is reported. */
function parsed<T>(read: () => T, path: Path, report: Report): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof CopyError)) throw error;
    report.error(path, error.message);
    return undefined;
  }
}
