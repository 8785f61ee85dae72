import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileWildcard } from "@longshore/base/wildcard";
import type { NamePattern } from "@longshore/mirror";
import {
  hostsOf,
  isDockerHub,
  WRITE_TIMEOUT,
  type ProxyOptions,
  type UpstreamOptions,
} from "@longshore/mirror/configuration";
import type { Path, Report } from "@longshore/options/report";
import { RE2JS } from "re2js";
import { quote } from "./quote.js";
import type { ParsedConfig } from "./schema/root.js";

/** What a mirrored registry is, whether it is the one of `proxy.remoteurl` or one of `proxy.upstreams`. */
type MirrorSettings = Pick<
  ProxyOptions,
  | "allow"
  | "deny"
  | "maxblobbytes"
  | "freshness"
  | "missingtags"
  | "taglists"
  | "catalog"
  | "hidden"
  | keyof UpstreamOptions
>;

/** Where it stands in the configuration, and what it is called. */
interface Place {
  readonly path: Path;
  readonly label: string;
  readonly prefix: string;
  readonly hosts: readonly string[];
}

/** What is mirrored; undefined: nothing. */
export function proxyConfig({ proxy }: ParsedConfig, report: Report) {
  const { remoteurl, upstreams } = proxy;
  if (remoteurl === undefined && upstreams.length === 0) return undefined;
  if (remoteurl !== undefined && upstreams.length > 0) {
    const message =
      "not together with proxy.remoteurl, which mirrors one registry under its own names; move it into proxy.upstreams";
    report.error(["proxy", "upstreams"], message);
  }
  const { ttl, cachewritetimeout, refusals, maxbytes, sweep, ownhosts, replicawait } = proxy;
  return {
    isSingle: remoteurl !== undefined,
    upstreams: remoteurl === undefined ? severalUpstreams(upstreams, report) : [single(proxy, remoteurl, report)],
    ownhosts,
    ttl,
    cachewritetimeout: cachewritetimeout === 0 ? WRITE_TIMEOUT : cachewritetimeout,
    refusals,
    maxbytes,
    pins: patterns(proxy.pins, ["proxy", "pins"], report),
    sweep,
    replicawait,
    directory: proxy.directory ?? join(tmpdir(), "longshore-mirror"),
  };
}

function single(proxy: ProxyOptions, remoteurl: string, report: Report) {
  return upstreamConfig(proxy, remoteurl, { path: ["proxy"], label: hostOf(remoteurl), prefix: "", hosts: [] }, report);
}

function severalUpstreams(upstreams: ProxyOptions["upstreams"], report: Report) {
  const prefixes = new Set<string>();
  return upstreams.map((upstream, index) => {
    const { prefix, hosts } = upstream;
    const path = ["proxy", "upstreams", index];
    if (prefixes.has(prefix)) {
      report.error(
        [...path, "prefix"],
        `there is an upstream with ${quote(prefix)} already; allowed: each prefix once`,
      );
    }
    prefixes.add(prefix);
    const remoteurl = upstream.remoteurl ?? (/^[^/]+\.[^/]+$/.test(prefix) ? `https://${prefix}` : undefined);
    if (remoteurl === undefined) {
      report.error(
        [...path, "remoteurl"],
        `missing; the prefix ${quote(prefix)} is no host that could stand in for it`,
      );
    }
    const own = [...hosts, prefix].flatMap(hostsOf);
    return upstreamConfig(
      upstream,
      remoteurl ?? "https://unknown.invalid",
      { path, label: prefix, prefix, hosts: own },
      report,
    );
  });
}

function upstreamConfig(settings: MirrorSettings, remoteurl: string, place: Place, report: Report) {
  const host = hostOf(remoteurl);
  return {
    label: place.label,
    prefix: place.prefix,
    hosts: [...new Set([...place.hosts, ...hostsOf(host)])],
    isHub: isDockerHub(host),
    allow: patterns(settings.allow, [...place.path, "allow"], report),
    deny: patterns(settings.deny, [...place.path, "deny"], report),
    freshness: settings.freshness,
    missingtags: settings.missingtags,
    taglists: settings.taglists ?? ("upstream" as const),
    catalog: settings.catalog,
    maxblobbytes: settings.maxblobbytes,
    hidden: settings.hidden,
    options: { ...settings, remoteurl },
  };
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}

/** Patterns of repositories: between slashes RE2, otherwise with stars that stop at slashes. */
function patterns(texts: readonly string[], path: Path, report: Report): readonly NamePattern[] {
  return texts.flatMap((text, index) => {
    try {
      return [compilePattern(text)];
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      report.error([...path, index], `found ${quote(text)}, which is no pattern: ${reason}`);
      return [];
    }
  });
}

function compilePattern(text: string): NamePattern {
  if (text.length > 1 && text.startsWith("/") && text.endsWith("/")) {
    const expression = RE2JS.compile(text.slice(1, -1));
    return { test: (name) => expression.matches(name) };
  }
  const wildcard = compileWildcard(text);
  return { test: (name) => wildcard.matches(name) };
}
