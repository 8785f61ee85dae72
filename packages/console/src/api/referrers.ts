import { list, number, object, optional, text, type Decoded } from "./decode.js";
import { ask } from "./http.js";

const referrer = object({
  kind: text,
  digest: text,
  artifactType: optional(text),
  size: number,
  tag: optional(text),
});
export type Referrer = Decoded<typeof referrer>;

const referrers = object({ subject: text, referrers: list(referrer) });

/** What refers to a manifest: signatures, SBOMs, attestations. */
export async function listReferrers(name: string, digest: string, signal?: AbortSignal): Promise<readonly Referrer[]> {
  return (await ask(`v2/${name}/_longshore/repository/referrers/${digest}`, referrers, { signal })).referrers;
}
