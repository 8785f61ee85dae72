import { digest, list, number, object, optional, tagName, text, type Decoded } from "./decode.js";
import { ask } from "./http.js";
import { repositoryPath } from "./paths.js";

const referrer = object({
  kind: text,
  digest,
  artifactType: optional(text),
  size: number,
  tag: optional(tagName),
});
export type Referrer = Decoded<typeof referrer>;

const referrers = object({ subject: digest, referrers: list(referrer) });

/** What refers to a manifest: signatures, SBOMs, attestations. */
export async function listReferrers(name: string, subject: string, signal?: AbortSignal): Promise<readonly Referrer[]> {
  const path = repositoryPath(name, "_longshore", "repository", "referrers", subject);
  return (await ask(path, referrers, { signal })).referrers;
}
