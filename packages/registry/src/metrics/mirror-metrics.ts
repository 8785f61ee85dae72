import type { ContentKind } from "@longshore/mirror";
import { Counter, type Registry } from "prom-client";
import type { MetricsSnapshot } from "./snapshot.js";

/** How a download ended: `notstored` was served, and there was no room for it. */
type DownloadResult = "stored" | "notstored" | "failed";

/** What the pull-through cache tells while it works. */
export interface MirrorMetrics {
  readonly asked: (kind: ContentKind, hit: boolean) => void;
  readonly pulled: (kind: ContentKind, bytes: number) => void;
  readonly pushed: (kind: ContentKind, bytes: number) => void;
  /** A client was given what may be out of date. */
  readonly stale: (upstream: string) => void;
  /** Content was served and couldn't be stored. */
  readonly notStored: (upstream: string, kind: ContentKind) => void;
  readonly downloaded: (upstream: string, outcome: DownloadResult) => void;
  readonly joined: (upstream: string) => void;
  /** Requests to the upstream are refused here for a while. */
  readonly paused: (upstream: string, reason: "rate-limit" | "failures") => void;
  /** A request to the upstream is repeated. */
  readonly retried: (upstream: string) => void;
  readonly evicted: (reason: "expired" | "room", manifests: number, bytes: number) => void;
}

const KINDS: readonly ContentKind[] = ["blob", "manifest"];

/** Registers the metrics of the pull-through cache: Distribution's (wire contract §9.2), and ours. */
export function createMirrorMetrics(registry: Registry): MirrorMetrics {
  const registers = [registry];
  const byType = (name: string, help: string) => {
    const counter = new Counter({ name: `registry_proxy_${name}_total`, help, labelNames: ["type"], registers });
    for (const type of KINDS) counter.inc({ type }, 0);
    return counter;
  };
  const requests = byType("requests", "The number of total incoming proxy request received");
  const hits = byType("hits", "The number of total proxy request hits");
  const misses = byType("misses", "The number of total proxy request misses");
  const pulledBytes = byType("pulled_bytes", "The size of total bytes pulled from the upstream");
  const pushedBytes = byType("pushed_bytes", "The size of total bytes pushed to the client");
  const ours = <const L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter({ name: `registry_mirror_${name}_total`, help, labelNames, registers });
  const stale = ours("stale_answers", "Answers from the cache that the upstream couldn't confirm.", ["upstream"]);
  const notStored = ours("not_stored", "Content that was served and couldn't be stored.", ["upstream", "type"]);
  const downloads = ours("downloads", "Downloads of blobs that ended, by how.", ["upstream", "outcome"]);
  const joined = ours("joined_downloads", "Clients that shared a download that was under way.", ["upstream"]);
  const pauses = ours("upstream_pauses", "Pauses in which the upstream isn't asked, by why.", ["upstream", "reason"]);
  const retries = ours("upstream_retries", "Requests to the upstream that were repeated.", ["upstream"]);
  const evicted = ours("evicted_manifests", "Cached manifests that were removed, by why.", ["reason"]);
  const evictedBytes = ours("evicted_bytes", "Bytes that were removed with them.", ["reason"]);
  return {
    asked: (type, hit) => {
      requests.inc({ type });
      (hit ? hits : misses).inc({ type });
    },
    pulled: (type, bytes) => pulledBytes.inc({ type }, bytes),
    pushed: (type, bytes) => pushedBytes.inc({ type }, bytes),
    stale: (upstream) => stale.inc({ upstream }),
    notStored: (upstream, type) => notStored.inc({ upstream, type }),
    downloaded: (upstream, outcome) => downloads.inc({ upstream, outcome }),
    joined: (upstream) => joined.inc({ upstream }),
    paused: (upstream, reason) => pauses.inc({ upstream, reason }),
    retried: (upstream) => retries.inc({ upstream }),
    evicted: (reason, manifests, bytes) => {
      evicted.inc({ reason }, manifests);
      evictedBytes.inc({ reason }, bytes);
    },
  };
}

/** The counters as `/debug/vars` shows them (`registry:2`), summed over the processes. */
export function proxyVariables(snapshots: readonly MetricsSnapshot[]): object {
  const sum = (name: string, type: ContentKind): number => {
    const values = snapshots
      .flat()
      .flatMap((metric) => (metric.name === `registry_proxy_${name}_total` ? metric.values : []));
    return values.reduce((total, { labels, value }) => total + (labels["type"] === type ? value : 0), 0);
  };
  const ofType = (type: ContentKind): object => ({
    Requests: sum("requests", type),
    Hits: sum("hits", type),
    Misses: sum("misses", type),
    BytesPulled: sum("pulled_bytes", type),
    BytesPushed: sum("pushed_bytes", type),
  });
  return { blobs: ofType("blob"), manifests: ofType("manifest") };
}
