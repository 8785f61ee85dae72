import { StorageError } from "../errors.js";
import type { Descriptor, Platform } from "../model/descriptor.js";
import type { Manifest } from "../model/manifest/manifest.js";
import { referencesOf, type ManifestReference } from "../model/manifest/references.js";
import { DOCKER_MANIFEST, layerRule } from "../model/media-types.js";
import { inTime } from "./in-time.js";

/** What is asked of a pushed manifest (`validation` of the configuration, contract §11.1). */
export interface ManifestValidation {
  /** Layers and children may be missing, and lists of addresses don't apply. A config must be there all the same. */
  readonly disabled: boolean;
  readonly manifests: {
    /**
     * Which addresses layers may name: one of `allow` where there are any, none of `deny`. A pattern that takes too long
     * over a manifest's addresses refuses them: one that looks harmless can be made to run for ever by who writes those.
     */
    readonly urls: { readonly allow: readonly RegExp[]; readonly deny: readonly RegExp[] };
    /** Which children of an index must be there: all, none, or those for a platform of the list (empty: all). */
    readonly indexes: {
      readonly platforms: "all" | "none" | "list";
      readonly platformlist: readonly Pick<Platform, "architecture" | "os">[];
    };
  };
}

/** What the original asks for where nothing is configured. */
export const DEFAULT_VALIDATION: ManifestValidation = {
  disabled: false,
  manifests: { urls: { allow: [], deny: [] }, indexes: { platforms: "all", platformlist: [] } },
};

/** What `manifest` refers to and must be there already. */
export function requiredReferences(manifest: Manifest, validation: ManifestValidation): readonly ManifestReference[] {
  return referencesOf(manifest).filter(({ role, descriptor, required }) => {
    if (!required) return false;
    // Stricter clients than ours push sparse images on purpose where validation is off.
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
  // A child without a platform is in no list (contract §11.1).
  return platformlist.some(({ architecture, os }) => platform?.architecture === architecture && platform.os === os);
}

/** Characters of an address; longer ones help nobody and slow the operator's patterns down. */
const MAX_URL_LENGTH = 8192;

/** For all of a manifest's addresses to meet all patterns (ms). */
const PATTERN_TIME = 250;

/** Throws MANIFEST_INVALID where a layer of an image names an address that isn't allowed, or lacks one (contract §11.1). */
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
 * Without any pattern every http(s) address passes, unlike the original, which then refuses all: images with
 * nondistributable layers are legal by the image specification and must be taken by default.
 */
function areAllowed(urls: readonly string[], { allow, deny }: ManifestValidation["manifests"]["urls"]): boolean {
  if (allow.length === 0 && deny.length === 0) return true;
  const isAllowed = (url: string): boolean =>
    (allow.length === 0 || allow.some((pattern) => pattern.test(url))) && !deny.some((pattern) => pattern.test(url));
  return inTime(PATTERN_TIME, () => urls.every(isAllowed)) === true;
}

/** Classes by the media type of an image's config (contract §11.2). */
const CLASSES: ReadonlyMap<string, string> = new Map([
  ["application/vnd.docker.container.image.v1+json", "image"],
  ["application/vnd.oci.image.config.v1+json", "image"],
]);
const DOCKER_PLUGIN = "application/vnd.docker.plugin.v1+json";

/**
 * Throws MANIFEST_CLASS_DENIED where `classes` is given and the class of `manifest` isn't among them, or isn't among those
 * that the client was granted, if that is known.
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
