/** What a manifest is for, as far as the console treats kinds differently. */
export type ArtifactKind = "image" | "helm" | "wasm" | "signature" | "sbom" | "attestation" | "other";

interface Described {
  readonly mediaType?: string | undefined;
  readonly artifactType?: string | undefined;
  readonly platforms?: readonly unknown[] | undefined;
}

const IMAGE_TYPES = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.config.v1+json",
  "application/vnd.docker.container.image.v1+json",
  "application/vnd.docker.distribution.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v1+prettyjws",
];

/** By the type that it has, or that of its config. */
export function kindOf({ mediaType = "", artifactType, platforms = [] }: Described, configType?: string): ArtifactKind {
  const type = artifactType ?? configType;
  if (type === undefined) {
    // A manifest whose config names no platform isn't an image that could run.
    return platforms.length > 0 || IMAGE_TYPES.includes(mediaType) ? "image" : "other";
  }
  if (IMAGE_TYPES.includes(type)) return "image";
  if (type === "application/vnd.cncf.helm.config.v1+json") return "helm";
  if (type.startsWith("application/vnd.wasm.") || type === "application/wasm") return "wasm";
  if (isSignature(type)) return "signature";
  if (/spdx|cyclonedx|syft/.test(type)) return "sbom";
  return type.includes("in-toto") || type.includes("slsa") ? "attestation" : "other";
}

/** In two steps, each of which passes the type once, however often it says cosign. */
function isSignature(type: string): boolean {
  const cosign = type.search(/\bcosign\b/);
  if (cosign >= 0 && /\b(?:sig|simplesigning)/.test(type.slice(cosign + "cosign".length))) return true;
  return type.includes("sigstore.bundle") || type.includes("notary.signature");
}

/** A tag by which cosign attaches something to a digest, unless its content is an image (any name may be a tag). */
export function cosignTag(tag: string): { readonly subject: string; readonly what: string } | undefined {
  const [, algorithm = "", hex = "", what = ""] = /^(sha256)-([a-f0-9]{64})\.(sig|att|sbom)$/.exec(tag) ?? [];
  return what === "" ? undefined : { subject: `${algorithm}:${hex}`, what };
}

interface Platform {
  readonly os?: string | undefined;
  readonly architecture?: string | undefined;
  readonly variant?: string | undefined;
  readonly osVersion?: string | undefined;
}

/** BuildKit's attestations are listed as `unknown/unknown`: nothing runs there. */
export function isKnownPlatform({ os, architecture }: Platform): boolean {
  return (os !== undefined && os !== "unknown") || (architecture !== undefined && architecture !== "unknown");
}

/** `linux/arm64/v8`; of Windows with the version that it needs. */
export function formatPlatform({ os, architecture, variant, osVersion }: Platform): string {
  const parts = [os, architecture, variant].filter((part) => part !== undefined && part !== "");
  return osVersion === undefined ? parts.join("/") : `${parts.join("/")} ${osVersion}`;
}

/** Each once, and the operating system only where it changes: `linux/amd64`, `arm64/v8`. */
export function formatPlatforms(platforms: readonly Platform[]): readonly string[] {
  const known = [...new Set(platforms.filter(isKnownPlatform).map(formatPlatform))];
  const systemOf = (platform = ""): string => platform.slice(0, platform.indexOf("/") + 1);
  return known.map((each, index) =>
    index > 0 && systemOf(each) === systemOf(known[index - 1]) ? each.slice(systemOf(each).length) : each,
  );
}

/** `sha256:0123456789ab` */
export function shortDigest(digest: string): string {
  const [algorithm = "", hex = ""] = digest.split(":");
  return `${algorithm}:${hex.slice(0, 12)}`;
}
