import type { Usage, UsageProgress } from "@longshore/inventory";
import { counted, countedRepositories, formatBar, formatBytes } from "../../wording.js";
import type { Invocation } from "../command.js";
import { withRegistry } from "../with-registry.js";

/** Prints what the repositories, or those below a prefix, take. Exits with 1 if no repository is there. */
export function printUsage(invocation: Invocation): Promise<number> {
  const { flags, values, terminal } = invocation;
  const prefix = values.get("prefix");
  return withRegistry(invocation, { changes: false, learns: true }, async ({ inventory, status, signal }) => {
    const usage = await inventory.usage(prefix, {
      signal,
      thorough: true,
      onProgress: (progress) => status.update(() => describeProgress(progress)),
    });
    status.clear();
    if (flags.has("json"))
      terminal.out(`${JSON.stringify({ ...(prefix === undefined ? {} : { prefix }), ...usage })}\n`);
    else terminal.out(describe(usage));
    return prefix !== undefined && usage.repositories === 0 ? 1 : 0;
  });
}

function describeProgress({ name, done, total, manifestsDone, manifestsTotal }: UsageProgress): string {
  const repositories = `${done} of ${countedRepositories(total)}`;
  if (manifestsDone === undefined || manifestsTotal === undefined) return repositories;
  return `${repositories}; ${name} ${formatBar(manifestsDone, manifestsTotal)} ${manifestsDone} of ${counted(manifestsTotal, "manifest")}`;
}

function describe({ repositories, tags, manifests, blobs, bytes, logicalBytes }: Usage): string {
  const lines = [
    ["repositories", String(repositories)],
    ["tags", String(tags)],
    ["manifests", String(manifests)],
    ["blobs", String(blobs)],
    ["stored", formatBytes(bytes)],
    ["logical", formatBytes(logicalBytes)],
  ] as const;
  return lines.map(([name, value]) => `${name.padEnd(14)}${value}\n`).join("");
}
