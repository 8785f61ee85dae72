import { isUploadClaim } from "../../layout/paths.js";

/**
 * Where the bytes of a session are, according to the names in its directory. Exactly one file is authoritative at any time:
 * - `free`: `data`, which no process has open.
 * - `claimed`: `data.<claim>`, which the request with that claim writes, or wrote before it was killed.
 * - `prepared`: `copy.<claim>`, complete, once `taken.<claim>` exists; no process has opened it yet.
 * - `none`: a session of Distribution, which stores hash states and may have no `data`.
 * - `unknown`: no session, or one that is being removed.
 *
 *            claim: rename                     commit: move
 *     free ────────────────▶ claimed by A ───────────────────▶ blob
 *       ▲                     │     │
 *       └─────────────────────┘     │ takeover by B: copy to copy.B,
 *          release: rename          │ then rename data.A to taken.B (the fence)
 *                                   ▼
 *                             prepared for B ────────────────▶ claimed by B
 *                                               rename
 *
 * Each arrow is a rename, which succeeds for one process only. A listing may miss names that change meanwhile; but the next
 * step renames the authoritative file itself, and fails if another process was faster.
 */
export type DataState =
  | { readonly kind: "free" }
  | { readonly kind: "claimed"; readonly claim: string }
  | { readonly kind: "prepared"; readonly claim: string }
  | { readonly kind: "none" }
  | { readonly kind: "unknown" };

/** Reads the state from the names in a session's directory. */
export function dataStateOf(names: readonly string[]): DataState {
  if (!names.includes("startedat")) return { kind: "unknown" };
  if (names.includes("data")) return { kind: "free" };
  const copies = new Set(claimsOf(names, "copy."));
  // A mark without its copy is a leftover; a copy without its mark was never completed, or its takeover failed.
  const prepared = claimsOf(names, "taken.").find((claim) => copies.has(claim));
  if (prepared !== undefined) return { kind: "prepared", claim: prepared };
  const claim = claimsOf(names, "data.")[0];
  if (claim !== undefined) return { kind: "claimed", claim };
  // A session of ours without bytes has just become a blob.
  return { kind: names.includes("hashstates") ? "none" : "unknown" };
}

function claimsOf(names: readonly string[], prefix: string): string[] {
  return names
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length))
    .filter(isUploadClaim);
}
