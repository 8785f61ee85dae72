import type { DescriptorCache, KnownBlob, SharedManifests } from "../contract/caches.js";
import type { Background } from "./background.js";
import type { SharedValues } from "./shared-memory.js";

/** How long an immutable value is cached (ms). Content is collected eventually, and this bounds memory as well. */
const LIFETIME = 60 * 60 * 1000;

/** How long a size is cached (ms); descriptors.ts says what may change it. */
const SIZE_LIFETIME = 10 * 60 * 1000;

/** Caches the sizes of blobs for all processes. */
export function createSharedDescriptors(values: SharedValues, background: Background): DescriptorCache {
  return {
    async get(digest) {
      const value = await values.get(digest).catch(() => undefined);
      return value && parseKnown(value.toString("latin1"));
    },
    set: (digest, blob) => background.run(() => values.set(digest, formatKnown(blob), SIZE_LIFETIME)),
    delete: (digest) => background.run(() => values.remove(digest)),
  };
}

/** Caches manifests of at most `maxBytes` each for all processes. */
export function createSharedManifests(values: SharedValues, background: Background, maxBytes: number): SharedManifests {
  return {
    get: (digest) => values.get(digest).catch(() => undefined),
    set(digest, bytes) {
      if (bytes.length <= maxBytes) background.run(() => values.set(digest, bytes, LIFETIME));
    },
  };
}

function formatKnown({ size, modified }: KnownBlob): string {
  return `${size} ${Math.trunc(modified)}`;
}

function parseKnown(text: string): KnownBlob | undefined {
  const match = /^([0-9]{1,16}) ([0-9]{1,16})$/.exec(text);
  return match === null ? undefined : { size: Number(match[1]), modified: Number(match[2]) };
}
