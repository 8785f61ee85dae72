import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A store as Distribution keeps it. */
export interface StoreSize {
  readonly images: number;
  readonly layers: number;
  readonly garbage: number;
  readonly repositories: number;
}

/** 110,000 blobs, 20,000 of them manifests and 10,000 unused, in 500 repositories; every tenth image has no tag. */
export const WHOLE: StoreSize = { images: 20_000, layers: 3, garbage: 10_000, repositories: 500 };

const LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip";
const CONFIG = "application/vnd.docker.container.image.v1+json";
const MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";

/** Writes the store below `root`. At once, call by call: nothing else runs in this process, and it takes a third of the time. */
export function writeStore(root: string, { images, layers, garbage, repositories }: StoreSize): void {
  const base = join(root, "docker/registry/v2");
  const put = (content: string): { readonly digest: string; readonly size: number } => {
    const hex = createHash("sha256").update(content).digest("hex");
    const directory = `${base}/blobs/sha256/${hex.slice(0, 2)}/${hex}`;
    mkdirSync(directory, { recursive: true });
    writeFileSync(`${directory}/data`, content);
    return { digest: `sha256:${hex}`, size: content.length };
  };
  const link = (directory: string, digest: string): void => {
    mkdirSync(directory, { recursive: true });
    writeFileSync(`${directory}/link`, digest);
  };
  const pathOf = (digest: string): string => digest.replace(":", "/");
  const repository = (index: number): string => `${base}/repositories/team${index % 20}/app${index % repositories}`;
  const layer = (content: string, home: string): { readonly digest: string; readonly size: number } => {
    const descriptor = put(content);
    link(`${home}/_layers/${pathOf(descriptor.digest)}`, descriptor.digest);
    return descriptor;
  };
  for (let image = 0; image < images; image += 1) {
    const home = repository(image);
    const own = Array.from({ length: layers }, (_, index) => ({
      mediaType: LAYER,
      ...layer(`layer ${index} of ${image}`, home),
    }));
    const config = { mediaType: CONFIG, ...layer(`{"image":${image}}`, home) };
    const { digest } = put(JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config, layers: own }));
    link(`${home}/_manifests/revisions/${pathOf(digest)}`, digest);
    if (Math.floor(image / repositories) % 10 === 9) continue;
    link(`${home}/_manifests/tags/t${image}/index/${pathOf(digest)}`, digest);
    link(`${home}/_manifests/tags/t${image}/current`, digest);
  }
  for (let index = 0; index < garbage; index += 1) layer(`garbage ${index}`, repository(index));
}
