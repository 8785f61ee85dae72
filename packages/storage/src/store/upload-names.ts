import { isUploadClaim } from "../layout/paths.js";

/**
 * Where the bytes of a session are, as the names in its directory tell. Exactly one file is the truth at any time:
 * - `free`: `data`, which nobody writes.
 * - `claimed`: `data.<claim>`, which that claim writes, or wrote before it was killed.
 * - `prepared`: `copy.<claim>`, complete, once `taken.<claim>` is there; nobody has opened it yet.
 * - `none`: one of the original's, which keeps hash states; those may lack `data`.
 * - `unknown`: no session, or one that is being removed.
 * Whatever a listing misses while names change, every step after it renames the truth itself, and fails if it is gone.
 */
export type Whereabouts =
  | { readonly kind: "free" }
  | { readonly kind: "claimed"; readonly claim: string }
  | { readonly kind: "prepared"; readonly claim: string }
  | { readonly kind: "none" }
  | { readonly kind: "unknown" };

/** Reads a session directory's names. */
export function whereaboutsOf(names: readonly string[]): Whereabouts {
  if (!names.includes("startedat")) return { kind: "unknown" };
  if (names.includes("data")) return { kind: "free" };
  const copies = new Set(claimsOf(names, "copy."));
  // A mark without its copy is left over; a copy without its mark was never finished, or lost.
  const prepared = claimsOf(names, "taken.").find((claim) => copies.has(claim));
  if (prepared !== undefined) return { kind: "prepared", claim: prepared };
  const claim = claimsOf(names, "data.")[0];
  if (claim !== undefined) return { kind: "claimed", claim };
  // One of ours without bytes has just become a blob.
  return { kind: names.includes("hashstates") ? "none" : "unknown" };
}

function claimsOf(names: readonly string[], prefix: string): string[] {
  return names
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length))
    .filter(isUploadClaim);
}
