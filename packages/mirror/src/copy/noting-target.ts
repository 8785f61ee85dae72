import {
  isIndexMediaType,
  isManifestMediaType,
  isStorageError,
  parseManifest,
  type Digest,
  type Registry,
  type RepositoryName,
} from "@longshore/storage";
import type { UsageLog } from "../retention/usage-log.js";
import type { CopyTarget } from "./contract.js";

/**
 * `target`, whose content counts as used when it is copied or found unchanged, in repositories for which `isMirrored` says so: the cache doesn't
 * remove what each run would copy again. `registry` is where the target stores it.
 */
export function notingTarget(
  target: CopyTarget,
  registry: Registry,
  usage: Pick<UsageLog, "note">,
  isMirrored: (name: RepositoryName) => boolean,
): CopyTarget {
  /** The manifest, and the children of an index, which the cache accounts for one by one. */
  const noteAll = async (name: RepositoryName, digest: Digest): Promise<void> => {
    if (!isMirrored(name)) return;
    usage.note(name, "manifest", digest);
    for (const child of await childrenOf(registry, name, digest)) await noteAll(name, child);
  };
  return {
    ...target,
    async resolveTag(name, tag, call) {
      const digest = await target.resolveTag(name, tag, call);
      if (digest !== undefined) await noteAll(name, digest);
      return digest;
    },
    async hasManifest(name, digest, call) {
      const isThere = await target.hasManifest(name, digest, call);
      if (isThere) await noteAll(name, digest);
      return isThere;
    },
    async putManifest(name, manifest, tag, call) {
      await target.putManifest(name, manifest, tag, call);
      if (isMirrored(name)) usage.note(name, "manifest", manifest.digest);
    },
    async putBlob(name, blob, content, call) {
      await target.putBlob(name, blob, content, call);
      if (isMirrored(name)) usage.note(name, "blob", blob.digest);
    },
  };
}

async function childrenOf(registry: Registry, name: RepositoryName, digest: Digest): Promise<readonly Digest[]> {
  try {
    const { bytes, mediaType } = await registry.repository(name).manifests.get(digest);
    if (!isManifestMediaType(mediaType) || !isIndexMediaType(mediaType)) return [];
    const manifest = parseManifest(bytes, mediaType);
    return manifest.kind === "index" ? manifest.manifests.map((child) => child.digest) : [];
  } catch (error) {
    // A child of a platform that isn't copied.
    if (isStorageError(error, "MANIFEST_UNKNOWN")) return [];
    throw error;
  }
}
