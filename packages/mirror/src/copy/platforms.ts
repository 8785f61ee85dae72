import { isManifestMediaType, type Descriptor, type IndexManifest } from "@longshore/storage";
import { CopyError, type WantedPlatform } from "./contract.js";

/** The annotation by which BuildKit's attestations name their image. */
const ATTESTED = "vnd.docker.reference.digest";

/** Reads `linux/amd64`, `linux/arm/v7`. Throws {@link CopyError}. */
export function parsePlatform(text: string): WantedPlatform {
  const [os = "", architecture = "", variant, ...more] = text.trim().split("/");
  if (os === "" || architecture === "" || more.length > 0) {
    throw new CopyError(`${JSON.stringify(text)} is no platform; write it as linux/amd64 or linux/arm/v7`);
  }
  return { os, architecture, variant };
}

/**
 * The children of an index that are wanted: of the platforms, with their attestations, and those that have no platform at all. Throws
 * {@link CopyError} where the index has none of the platforms.
 */
export function wantedChildren(
  { manifests }: IndexManifest,
  platforms: readonly WantedPlatform[] | undefined,
): readonly Descriptor[] {
  if (platforms === undefined) return manifests;
  const images = manifests.filter((child) => isWanted(child, platforms));
  const isPlain = manifests.every((child) => child.platform === undefined || !isManifestMediaType(child.mediaType));
  if (images.length === 0 && !isPlain) {
    const names = platforms.map(({ os, architecture, variant }) =>
      [os, architecture, variant].filter(Boolean).join("/"),
    );
    throw new CopyError(`the index has no image for ${names.join(" or ")}`);
  }
  const digests = new Set<string>(images.map(({ digest }) => digest));
  return manifests.filter(
    (child) =>
      digests.has(child.digest) || child.platform === undefined || digests.has(child.annotations?.[ATTESTED] ?? ""),
  );
}

function isWanted({ platform }: Descriptor, platforms: readonly WantedPlatform[]): boolean {
  return platforms.some(
    ({ os, architecture, variant }) =>
      platform?.os === os &&
      platform.architecture === architecture &&
      (variant === undefined || platform.variant === variant),
  );
}
