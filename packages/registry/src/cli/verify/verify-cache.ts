import { findKind, type VerifyRequest } from "@longshore/options/kind";
import { CACHE_KINDS } from "@longshore/storage";
import { revealRedis } from "../../open-storage.js";
import type { Config } from "../../config/config.js";
import { error, type Finding, warning } from "../../config/findings.js";

/** What the configured cache finds when it tries what it connects to. */
export async function verifyCache({ redis, storage }: Config, request: VerifyRequest): Promise<Finding[]> {
  const kind = findKind(CACHE_KINDS, storage.cache.blobdescriptor ?? "");
  if (kind?.needs === undefined) return [];
  const place = kind.needs;
  const remarks = await kind.verify({ redis: redis === undefined ? undefined : revealRedis(redis) }, request);
  return remarks.map(({ severity, path, message }) =>
    (severity === "error" ? error : warning)([place, ...path], undefined, message),
  );
}
