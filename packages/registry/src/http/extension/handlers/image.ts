import {
  isImageConfig,
  parseImageConfig,
  parseManifest,
  parseReference,
  type Descriptor,
  type Digest,
  type ImageConfig,
  type ImageManifest,
  type Manifest,
  type Repository,
  type StoredManifest,
} from "@longshore/storage";
import type { Exchange } from "../../exchange.js";
import type { Answer } from "../answers.js";
import { answer } from "./answer.js";
import { shownPlatform } from "./platform.js";

/**
 * `GET /v2/<name>/_longshore/repository/images/<reference>`: a manifest with what its config says. Looking at an image isn't a
 * pull: no event is sent, and nothing counts it.
 */
export async function showImage(exchange: Exchange): Promise<void> {
  const { repository } = exchange;
  const plain = exchange.shared.registry.repository(repository.name);
  const reference = parseReference(exchange.reference);
  const digest =
    reference.kind === "digest" ? reference.digest : await plain.tags.resolve(reference.tag, exchange.call);
  const stored = await plain.manifests.get(digest, exchange.call);
  answer<"Image">(exchange, 200, await describe(plain, stored, exchange));
}

async function describe(repository: Repository, stored: StoredManifest, exchange: Exchange): Promise<Answer<"Image">> {
  const { digest, mediaType, bytes } = stored;
  const itself = { name: repository.name, digest, mediaType, size: bytes.byteLength };
  const manifest = parsed(stored);
  if (manifest === undefined) return itself;
  const common = {
    ...itself,
    ...(manifest.artifactType === undefined ? {} : { artifactType: manifest.artifactType }),
    ...(manifest.annotations === undefined ? {} : { annotations: { ...manifest.annotations } }),
    ...(manifest.subject === undefined ? {} : { subject: shown(manifest.subject) }),
  };
  if (manifest.kind === "index") {
    return {
      ...common,
      manifests: manifest.manifests.map((child) => ({
        ...shown(child),
        ...(child.platform === undefined ? {} : { platform: shownPlatform(child.platform) }),
      })),
    };
  }
  const config = await readConfig(repository, manifest, exchange);
  return {
    ...common,
    config: shown(manifest.config),
    layers: manifest.layers.map(shown),
    totalSize: totalSize(digest, bytes.byteLength, manifest),
    ...(config === undefined ? {} : { image: config }),
  };
}

/** Undefined for a manifest of an old schema, or one that can be served but not read. */
function parsed({ bytes, mediaType }: StoredManifest): Manifest | undefined {
  try {
    return parseManifest(bytes, mediaType);
  } catch {
    return undefined;
  }
}

/** Undefined if it isn't an image's config, is too large to be read at once, or can't be read. */
async function readConfig(
  { blobs }: Repository,
  { config }: ImageManifest,
  exchange: Exchange,
): Promise<ImageConfig | undefined> {
  const limit = exchange.shared.config.http.limits.manifestsize;
  if (!isImageConfig(config.mediaType) || config.size > limit) return undefined;
  const stream = await blobs.open(config.digest, exchange.call);
  try {
    if (stream.size > limit) return undefined;
    const chunks: Buffer[] = [];
    // A chunk is only valid until the next one is read.
    for await (const chunk of stream) chunks.push(Buffer.from(chunk));
    return parseImageConfig(Buffer.concat(chunks));
  } finally {
    await stream.close();
  }
}

function totalSize(digest: Digest, size: number, { config, layers }: ImageManifest): number {
  const sizes = new Map<Digest, number>([[digest, size]]);
  for (const each of [config, ...layers]) sizes.set(each.digest, each.size);
  return [...sizes.values()].reduce((sum, each) => sum + each, 0);
}

function shown({ mediaType, digest, size, artifactType, annotations }: Descriptor): Shown {
  return {
    mediaType,
    digest,
    size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
  };
}

type Shown = NonNullable<Answer<"Image">["config"]>;
