import type { CopyResult } from "@longshore/mirror";
import { formatMebibytes } from "../garbage-collection/progress.js";

/** What a copy did, in a line. */
export function describeCopy(result: CopyResult, dryRun: boolean): string {
  const { copied, unchanged, failed, manifests, blobs, bytes } = result;
  const outcome = dryRun
    ? `dry run: ${tags(copied)} would be copied`
    : `${tags(copied)} copied: ${manifests} manifests and ${blobs} blobs, ${formatMebibytes(bytes)}`;
  return [outcome, `${unchanged} unchanged`, ...(failed > 0 ? [`${failed} failed, see above`] : [])].join("; ");
}

function tags(count: number): string {
  return `${count} ${count === 1 ? "tag" : "tags"}`;
}
