import { createDescriptorCache } from "./descriptors.js";
import type { CacheKind } from "./kind.js";
import { NO_CACHES, NO_DESCRIPTORS } from "./none.js";

/** Descriptors, in each process. */
export const inmemoryCache: CacheKind = {
  name: "inmemory",
  aliases: [],
  meaning: "in each process, for object storage only, since a file system is as fast",
  needs: undefined,
  open: ({ descriptors, observer = {} }) =>
    Promise.resolve(
      descriptors === undefined
        ? NO_CACHES
        : { ...NO_CACHES, descriptors: createDescriptorCache(descriptors, NO_DESCRIPTORS, observer) },
    ),
  verify: () => Promise.resolve([]),
};
