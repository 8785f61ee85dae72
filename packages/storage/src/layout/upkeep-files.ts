import { splitDigest, type Digest } from "../model/digest.js";
import { ROOT } from "./paths.js";

/* Files of a scrub. They are ours: Distribution reads none of them. */

/** JSON: how far the last scrub came. */
export const SCRUB_STATE = `${ROOT}/longshore/scrub/state`;

/** Where the damaged bytes of `digest` are moved to, under `id`. Nothing removes them. */
export function quarantinePath(digest: Digest, id: string): string {
  const { algorithm, hex } = splitDigest(digest);
  return `${ROOT}/longshore/quarantine/${algorithm}/${hex}/${id}`;
}
