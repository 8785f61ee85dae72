import { referencesOf, type Descriptor, type Manifest } from "@longshore/storage";
import type { EventDescriptor } from "../../event-formats/event.js";

/**
 * The descriptors that `manifest` refers to, as in events (wire contract §8.3): the config first, then the layers; or an
 * index's children.
 */
export function describeReferences(manifest: Manifest): EventDescriptor[] {
  return referencesOf(manifest).map(({ descriptor }) => describe(descriptor));
}

/** The keys in Distribution's order, and maps sorted as Go writes them. */
function describe(descriptor: Descriptor): EventDescriptor {
  const { mediaType, digest, size, urls, annotations, data, platform, artifactType } = descriptor;
  return {
    mediaType,
    digest,
    size,
    ...(urls === undefined || urls.length === 0 ? {} : { urls: [...urls] }),
    ...(annotations === undefined ? {} : sortedAnnotations(annotations)),
    ...(data === undefined || data === "" ? {} : { data }),
    ...(platform === undefined ? {} : { platform: describePlatform(platform) }),
    ...(artifactType === undefined || artifactType === "" ? {} : { artifactType }),
  };
}

function sortedAnnotations(annotations: Readonly<Record<string, string>>): Pick<EventDescriptor, "annotations"> {
  const entries = Object.entries(annotations);
  if (entries.length === 0) return {};
  entries.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return { annotations: Object.fromEntries(entries) };
}

function describePlatform(platform: NonNullable<Descriptor["platform"]>): NonNullable<EventDescriptor["platform"]> {
  const version = platform["os.version"];
  const features = platform["os.features"];
  return {
    architecture: platform.architecture,
    os: platform.os,
    ...(version === undefined || version === "" ? {} : { "os.version": version }),
    ...(features === undefined || features.length === 0 ? {} : { "os.features": [...features] }),
    ...(platform.variant === undefined || platform.variant === "" ? {} : { variant: platform.variant }),
  };
}
