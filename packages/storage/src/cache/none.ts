import type { Caches, DescriptorCache, LinkCache, SharedManifests } from "../contract/caches.js";

/** Caches nothing: every lookup goes to the storage. */
export const NO_LINKS: LinkCache = {
  through: (_link, read) => read(),
  changing: (_links, work) => work(() => Promise.resolve()),
};

export const NO_DESCRIPTORS: DescriptorCache = {
  get: () => Promise.resolve(undefined),
  set: () => undefined,
  delete: () => undefined,
};

export const NO_MANIFESTS: SharedManifests = {
  get: () => Promise.resolve(undefined),
  set: () => undefined,
};

/** The caches of a registry that is configured without any. */
export const NO_CACHES: Caches = {
  links: NO_LINKS,
  descriptors: NO_DESCRIPTORS,
  manifests: NO_MANIFESTS,
  close: () => Promise.resolve(),
};
