import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { digestOf } from "@longshore/testkit/fixtures";
import { tar } from "./tar.js";

/** Bytes with what a descriptor says of them. */
export interface Content {
  readonly mediaType: string;
  readonly digest: string;
  readonly bytes: Buffer;
}

/** An image for one platform. `archives` are its layers as tar archives, before compression. */
export interface Image {
  readonly architecture: string;
  readonly manifest: Content;
  readonly config: Content;
  readonly layers: readonly Content[];
  readonly archives: readonly Buffer[];
}

/** Several platforms' images under one name: an OCI index or a Docker manifest list. */
export interface MultiArch {
  readonly manifest: Content;
  readonly images: readonly Image[];
}

export type Format = "oci" | "docker";

export const MEDIA_TYPES = {
  oci: {
    manifest: "application/vnd.oci.image.manifest.v1+json",
    index: "application/vnd.oci.image.index.v1+json",
    config: "application/vnd.oci.image.config.v1+json",
    layer: "application/vnd.oci.image.layer.v1.tar+gzip",
  },
  docker: {
    manifest: "application/vnd.docker.distribution.manifest.v2+json",
    index: "application/vnd.docker.distribution.manifest.list.v2+json",
    config: "application/vnd.docker.container.image.v1+json",
    layer: "application/vnd.docker.image.rootfs.diff.tar.gzip",
  },
} as const;

export function content(mediaType: string, bytes: Buffer): Content {
  return { mediaType, bytes, digest: digestOf(bytes) };
}

export interface ImageOptions {
  readonly architecture?: string;
  /** Bytes of an additional random layer. */
  readonly bulk?: number;
  /** The manifest that this one refers to. */
  readonly subject?: Content;
}

/**
 * An image of a small layer, an empty layer (as builders make for instructions that change no file) and, where asked
 * for, a large one. No two images are equal.
 */
export function makeImage(format: Format, options: ImageOptions = {}): Image {
  const types = MEDIA_TYPES[format];
  const architecture = options.architecture ?? "amd64";
  const archives = [
    tar([
      { name: "etc/" },
      { name: "etc/architecture", content: Buffer.from(`${architecture}\n`) },
      { name: "etc/serial", content: Buffer.from(randomBytes(16).toString("hex")) },
    ]),
    tar([]),
    ...(options.bulk === undefined ? [] : [tar([{ name: "bulk", content: randomBytes(options.bulk) }])]),
  ];
  const layers = archives.map((archive) => content(types.layer, gzipSync(archive, { level: 1 })));
  const config = content(
    types.config,
    encode({
      architecture,
      os: "linux",
      created: "2024-01-01T00:00:00Z",
      config: { Env: ["PATH=/bin"], Cmd: ["/etc/architecture"], Labels: { "org.example.architecture": architecture } },
      rootfs: { type: "layers", diff_ids: archives.map((archive) => digestOf(archive)) },
      history: archives.map((_, index) => ({ created: "2024-01-01T00:00:00Z", created_by: `layer ${index}` })),
    }),
  );
  const manifest = content(
    types.manifest,
    encode({
      schemaVersion: 2,
      mediaType: types.manifest,
      config: describeContent(config),
      layers: layers.map(describeContent),
      ...(options.subject === undefined ? {} : { subject: describeContent(options.subject) }),
    }),
  );
  return { architecture, manifest, config, layers, archives };
}

/** An index (manifest list) of one image for each architecture. */
export function makeMultiArch(format: Format, architectures: readonly string[]): MultiArch {
  const types = MEDIA_TYPES[format];
  const images = architectures.map((architecture) => makeImage(format, { architecture }));
  const manifest = content(
    types.index,
    encode({
      schemaVersion: 2,
      mediaType: types.index,
      manifests: images.map(({ manifest: child, architecture }) => ({
        ...describeContent(child),
        platform: { architecture, os: "linux" },
      })),
    }),
  );
  return { manifest, images };
}

/** Writes an OCI image layout folder with each image under its tag. */
export async function writeLayout(folder: string, tagged: Readonly<Record<string, Image | MultiArch>>): Promise<void> {
  await mkdir(join(folder, "blobs", "sha256"), { recursive: true });
  const annotated = Object.entries(tagged).map(([tag, image]) => ({ image, annotations: { [REF_NAME]: tag } }));
  for (const { name, content: bytes } of layoutFiles(annotated)) {
    await writeFile(join(folder, name), bytes);
  }
}

/** An OCI image layout as one archive, in the form that `ctr images import` speaks; `name` is the image's full name. */
export function ociArchive(image: Image | MultiArch, name: string): Buffer {
  return tar(layoutFiles([{ image, annotations: { "io.containerd.image.name": name } }]));
}

const REF_NAME = "org.opencontainers.image.ref.name";

interface Annotated {
  readonly image: Image | MultiArch;
  readonly annotations: Readonly<Record<string, string>>;
}

function layoutFiles(images: readonly Annotated[]): { name: string; content: Buffer }[] {
  const manifests = images.map(({ image, annotations }) => ({ ...describeContent(image.manifest), annotations }));
  const parts = images.flatMap(({ image }) => contentsOf(image));
  return [
    { name: "oci-layout", content: encode({ imageLayoutVersion: "1.0.0" }) },
    { name: "index.json", content: encode({ schemaVersion: 2, manifests }) },
    ...parts.map(({ digest, bytes }) => ({ name: `blobs/${digest.replace(":", "/")}`, content: bytes })),
  ];
}

/** An image in the form that `docker load` and `docker save` speak. */
export function dockerArchive(image: Image, name: string): Buffer {
  const config = `${image.config.digest.slice("sha256:".length)}.json`;
  const layers = image.archives.map((archive, index) => ({ name: `${index}/layer.tar`, content: archive }));
  const manifest = [{ Config: config, RepoTags: [name], Layers: layers.map((layer) => layer.name) }];
  return tar([
    { name: config, content: image.config.bytes },
    ...layers.flatMap((layer, index) => [{ name: `${index}/` }, layer]),
    { name: "manifest.json", content: encode(manifest) },
  ]);
}

/** Everything that has to be in a registry for the image to be whole, children before parents. */
export function contentsOf(image: Image | MultiArch): readonly Content[] {
  return "images" in image
    ? [...image.images.flatMap(contentsOf), image.manifest]
    : [...image.layers, image.config, image.manifest];
}

function describeContent({ mediaType, digest, bytes }: Content): {
  mediaType: string;
  digest: string;
  size: number;
} {
  return { mediaType, digest, size: bytes.byteLength };
}

function encode(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
