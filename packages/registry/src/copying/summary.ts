import type { CopyResult } from "@longshore/mirror";
import { counted, formatBytes } from "../wording.js";

/** What a copy did, in a line. */
export function describeCopy(result: CopyResult, dryRun: boolean): string {
  const { copied, unchanged, failed, manifests, blobs, bytes } = result;
  const outcome = dryRun
    ? `dry run: ${counted(copied, "tag")} would be copied`
    : `${counted(copied, "tag")} copied: ${counted(manifests, "manifest")} and ${counted(blobs, "blob")}, ${formatBytes(bytes)}`;
  return [outcome, `${unchanged} unchanged`, ...(failed > 0 ? [`${failed} failed, see above`] : [])].join("; ");
}
