import { scrubStorage, type ScrubProgress, type ScrubResult } from "@longshore/storage";
import type { Invocation } from "../command.js";
import { UsageError } from "../flags.js";
import { isMirrored } from "../../config/mirrored.js";
import { counted, countedRepositories, formatBytes } from "../../wording.js";
import { withRegistry } from "../with-registry.js";

/** Reads and checks everything that is stored. */
export function scrubAll(invocation: Invocation): Promise<number> {
  const { flags, values, terminal } = invocation;
  const rate = rateOf(values.get("rate"));
  // How far it is, is stored: a scrub writes even if it repairs nothing.
  return withRegistry(invocation, { changes: true }, async ({ config, driver, caches, status, signal }) => {
    const began = performance.now();
    const isJson = flags.has("json");
    const result = await scrubStorage(driver, {
      rate,
      quarantine: flags.has("quarantine"),
      repair: flags.has("repair"),
      restart: flags.has("restart"),
      validation: config.validation,
      isCache: (name) => isMirrored(config, name),
      descriptors: caches.descriptors,
      signal,
      observer: {
        finding: ({ message, damage, action }) => {
          if (isJson) return;
          status.clear();
          terminal.out(`${action ?? (damage ? "damaged" : "note")}: ${message}\n`);
        },
        progress: (progress) => status.update(() => describe(progress, (performance.now() - began) / 1000)),
      },
    });
    status.clear();
    terminal.out(isJson ? `${JSON.stringify(result, undefined, 2)}\n` : summaryOf(result));
    return result.damaged > 0 ? 1 : 0;
  });
}

function describe({ phase, fraction, blobs, bytes, repositories, damaged }: ScrubProgress, seconds: number): string {
  const found = damaged > 0 ? `, ${damaged} damaged` : "";
  if (phase === "repositories") return `checking repositories: ${repositories}${found}`;
  const percent = Math.floor((fraction ?? 0) * 100);
  const rate = seconds > 0 ? `, ${formatBytes(Math.round(bytes / seconds))}/s` : "";
  return `reading blobs: ${percent} %, ${blobs} (${formatBytes(bytes)})${rate}${found}`;
}

function summaryOf(result: ScrubResult): string {
  const { blobs, bytes, repositories, manifests, tags, damaged, quarantined, repaired, unlisted, resumed } = result;
  const lines = [
    `${counted(blobs, "blob")} (${formatBytes(bytes)}), ${countedRepositories(repositories)}, ${counted(manifests, "manifest")} and ${counted(tags, "tag")} checked`,
    `${damaged} damaged, ${quarantined} moved aside, ${repaired} repaired`,
  ];
  if (unlisted > 0) lines.push(`${unlisted} of these aren't in the JSON report, which lists the first thousand`);
  if (resumed) lines.push("this run continued one that was interrupted; what that one found counts as well");
  return `${lines.join("\n")}\n`;
}

const UNITS: ReadonlyMap<string, number> = new Map([
  ["", 1],
  ["KB", 1000],
  ["MB", 1000 ** 2],
  ["GB", 1000 ** 3],
  ["KIB", 1024],
  ["MIB", 1024 ** 2],
  ["GIB", 1024 ** 3],
]);

/** Bytes per second. Throws UsageError. */
function rateOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, number = "", unit = ""] = /^([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)$/.exec(text) ?? [];
  const rate = Number(number) * (UNITS.get(unit.toUpperCase()) ?? Number.NaN);
  if (rate >= 1 && Number.isFinite(rate)) return rate;
  throw new UsageError(
    `invalid argument ${JSON.stringify(text)} for --rate flag: expected bytes per second, such as 50MB`,
  );
}
