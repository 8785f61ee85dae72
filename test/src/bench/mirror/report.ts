import { formatMemory } from "../table.js";
import { AT_A_TIME, BLOB_BYTES, MANIFESTS, WAYS, type ManifestWay, type MirrorReport, type Way } from "./measure.js";

const MIB = 1024 * 1024;
/** Of a local repository's speed; of a direct pull's, and of what is possible on Node. */
const CACHED_AIM = 0.95;
const COLD_AIM = 0.9;

/** The report of the `mirror` group, a line each, and whether both aims were met. */
export function formatMirrorReport({ blobs, manifests, memory, load }: MirrorReport): {
  readonly text: string;
  readonly met: boolean;
} {
  const rateOf = (way: Way): number => blobs.get(way)?.rate ?? Number.NaN;
  const manifestRate = (way: ManifestWay): number => manifests.get(way) ?? Number.NaN;
  const ways = WAYS.map((way) => {
    const { rates, cpu } = blobs.get(way) ?? { rates: [], cpu: Number.NaN };
    return `${way}: ${speed(rateOf(way))} (rounds: ${rates.map(speed).join(", ")}), ${cpu.toFixed(2)} s CPU a GiB`;
  });
  const shares = [
    share(
      "cold pull over 1 Gbit/s, of a direct one",
      rateOf("1 Gbit/s, ours, cold") / rateOf("1 Gbit/s, directly"),
      COLD_AIM,
    ),
    share("cold pull on one machine, of a direct one", rateOf("ours, cold") / rateOf("upstream, directly"), COLD_AIM),
    share(
      "cold pull on one machine, of the bare program's",
      rateOf("ours, cold") / rateOf("bare program, cold"),
      COLD_AIM,
    ),
    share("cached pull, of a local one", rateOf("ours, cached") / rateOf("local repository"), CACHED_AIM),
    share("cached manifest by digest", manifestRate("ours, by digest") / manifestRate("local repository"), CACHED_AIM),
  ];
  const lines = [
    `blobs of ${BLOB_BYTES / MIB} MiB, ${AT_A_TIME} at a time`,
    ...ways,
    `manifests: ${MANIFESTS.map((way) => `${way} ${manifestRate(way).toFixed(0)}/s`).join("; ")}`,
    ...shares.map(({ text }) => text),
    `ours beside theirs: cold ${(rateOf("ours, cold") / rateOf("theirs, cold")).toFixed(2)}x, cached ${(
      rateOf("ours, cached") / rateOf("theirs, cached")
    ).toFixed(2)}x`,
    `peak memory of ours: ${formatMemory(memory)}`,
    `load of the machine: ${load.map((each) => each.toFixed(1)).join(" to ")}`,
  ];
  return { text: lines.join("\n"), met: shares.every(({ met }) => met) };
}

function share(what: string, found: number, aim: number): { readonly text: string; readonly met: boolean } {
  const met = found >= aim;
  return { text: `${what}: ${(found * 100).toFixed(0)} % (aim >= ${aim * 100} %: ${met ? "met" : "MISSED"})`, met };
}

function speed(rate: number): string {
  return `${(rate / MIB).toFixed(0)} MiB/s`;
}
