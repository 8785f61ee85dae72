import { StorageError } from "../errors.js";
import type { Descriptor, Platform } from "../model/descriptor.js";
import type { Manifest } from "../model/manifest/manifest.js";
import { referencesOf, type ManifestReference } from "../model/manifest/references.js";
import { DOCKER_MANIFEST, layerRule } from "../model/media-types.js";

/** A pattern of `validation.manifests.urls`. Clients choose the text, so matching must take linear time. */
export interface UrlPattern {
  test(url: string): boolean;
}

/** What a pushed manifest must satisfy (`validation` in the configuration, wire contract §11.1). */
export interface ManifestValidation {
  /** Layers and children may be missing, and lists of URLs don't apply. The config must still exist. */
  readonly disabled: boolean;
  readonly manifests: {
    /** Which URLs layers may name: those that match a pattern of `allow`, if there are any, and none of `deny`. */
    readonly urls: { readonly allow: readonly UrlPattern[]; readonly deny: readonly UrlPattern[] };
    /** Which children of an index must exist: all, none, or those for a platform in the list (all, if it is empty). */
    readonly indexes: {
      readonly platforms: "all" | "none" | "list";
      readonly platformlist: readonly Pick<Platform, "architecture" | "os">[];
    };
  };
}

/** Distribution's defaults. */
export const DEFAULT_VALIDATION: ManifestValidation = {
  disabled: false,
  manifests: { urls: { allow: [], deny: [] }, indexes: { platforms: "all", platformlist: [] } },
};

/** The references of `manifest` that must exist already. */
export function requiredReferences(manifest: Manifest, validation: ManifestValidation): readonly ManifestReference[] {
  return referencesOf(manifest).filter(({ role, descriptor, required }) => {
    if (!required) return false;
    // If validation is disabled, clients push sparse images on purpose.
    if (validation.disabled) return role === "config";
    return role !== "child" || isWantedChild(descriptor, validation.manifests.indexes);
  });
}

function isWantedChild(
  { platform }: Descriptor,
  { platforms, platformlist }: ManifestValidation["manifests"]["indexes"],
): boolean {
  if (platforms !== "list") return platforms === "all";
  if (platformlist.length === 0) return true;
  // A child without a platform is in no list (wire contract §11.1).
  return platformlist.some(({ architecture, os }) => platform?.architecture === architecture && platform.os === os);
}

/** The longest accepted URL, in characters. */
const MAX_URL_LENGTH = 8192;

/** Throws MANIFEST_INVALID if a layer of an image has a URL that isn't allowed, or lacks a required one (wire contract §11.1). */
export function checkUrls(manifest: Manifest, validation: ManifestValidation): void {
  if (manifest.kind !== "image") return;
  const all: string[] = [];
  for (const layer of manifest.layers) {
    const rule = layerRule(layer.mediaType).urls;
    const urls = layer.urls ?? [];
    if (rule === "ignored") continue;
    if (rule === "required" && urls.length === 0) throw invalid("missing URL on layer");
    if (!urls.every(isWebAddress)) throw invalid("invalid URL on layer");
    all.push(...urls);
  }
  if (validation.disabled || all.length === 0) return;
  if (!areAllowed(all, validation.manifests.urls)) throw invalid("invalid URL on layer");
}

function isWebAddress(url: string): boolean {
  if (url.length > MAX_URL_LENGTH || !/^https?:\/\//i.test(url) || !URL.canParse(url)) return false;
  return new URL(url).hash === "";
}

/**
 * Without patterns every http(s) URL is allowed. Distribution then refuses all; but images with nondistributable layers are
 * legal in the image specification and must be accepted by default.
 */
function areAllowed(urls: readonly string[], { allow, deny }: ManifestValidation["manifests"]["urls"]): boolean {
  if (allow.length === 0 && deny.length === 0) return true;
  const isAllowed = (url: string): boolean =>
    (allow.length === 0 || allow.some((pattern) => pattern.test(url))) && !deny.some((pattern) => pattern.test(url));
  return urls.every(isAllowed);
}

/** Classes by the media type of an image's config (wire contract §11.2). */
const CLASSES: ReadonlyMap<string, string> = new Map([
  ["application/vnd.docker.container.image.v1+json", "image"],
  ["application/vnd.oci.image.config.v1+json", "image"],
]);
const DOCKER_PLUGIN = "application/vnd.docker.plugin.v1+json";

/**
 * Throws MANIFEST_CLASS_DENIED if `classes` is given and the class of `manifest` isn't one of them, or isn't one of the classes
 * that were granted to the client, if those are known.
 */
export function checkClass(
  manifest: Manifest,
  classes: readonly string[] | undefined,
  granted: readonly string[] | undefined,
): void {
  if (classes === undefined || manifest.kind !== "image") return;
  const { mediaType } = manifest.config;
  const isPlugin = mediaType === DOCKER_PLUGIN && manifest.mediaType === DOCKER_MANIFEST;
  const found = isPlugin ? "plugin" : CLASSES.get(mediaType);
  if (found === undefined) throw denied(`unknown manifest class for ${mediaType}`);
  if (!classes.includes(found)) throw denied(`registry does not allow ${found} manifest`);
  if (granted?.includes(found) === false) throw denied(`repository not authorized for ${found} manifest`);
}

function invalid(reason: string): StorageError {
  return new StorageError({ code: "MANIFEST_INVALID", reason });
}

function denied(reason: string): StorageError {
  return new StorageError({ code: "MANIFEST_CLASS_DENIED", reason });
}
