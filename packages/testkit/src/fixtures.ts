import { createHash, randomBytes } from "node:crypto";
import type { Answer, HttpClient } from "./http-client.js";

export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
export const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
export const DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
export const OCI_CONFIG = "application/vnd.oci.image.config.v1+json";
const OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";

export type Algorithm = "sha256" | "sha384" | "sha512";

/** Some content with its digest. */
export interface Content {
  readonly bytes: Buffer;
  readonly digest: string;
}

/** A descriptor as manifests hold it. */
export interface ContentDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export function digestOf(bytes: Uint8Array | string, algorithm: Algorithm = "sha256"): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}

export function contentOf(bytes: Uint8Array | string, algorithm?: Algorithm): Content {
  const buffer = Buffer.from(bytes);
  return { bytes: buffer, digest: digestOf(buffer, algorithm) };
}

/** Content that hasn't been pushed before. */
export function randomContent(size = 64, algorithm?: Algorithm): Content {
  return contentOf(randomBytes(size), algorithm);
}

export function describeContent({ bytes, digest }: Content, mediaType: string): ContentDescriptor {
  return { mediaType, digest, size: bytes.byteLength };
}

/** JSON as a manifest's bytes. */
export function manifestOf(value: unknown, algorithm?: Algorithm): Content {
  return contentOf(JSON.stringify(value), algorithm);
}

/** An index of these descriptors, with more members behind them. */
export function indexOf(manifests: readonly unknown[], extra: object = {}): object {
  return { schemaVersion: 2, mediaType: OCI_INDEX, manifests, ...extra };
}

export function expectStatus(answer: Answer, status: number): Answer {
  if (answer.status === status) return answer;
  throw new Error(`expected status ${status}, got ${answer.status}: ${answer.text()}`);
}

/** The `Location` of an answer. */
export function locationOf(answer: Answer): string {
  const { location } = answer.headers;
  if (location === undefined) throw new Error(`no Location in a ${answer.status}`);
  return location;
}

/** `location` with further query parameters. */
export function withQuery(location: string, parameters: Readonly<Record<string, string>>): string {
  const query = new URLSearchParams(parameters).toString();
  return `${location}${location.includes("?") ? "&" : "?"}${query}`;
}

/** Opens an upload session; returns its location. */
export async function startUpload(client: HttpClient, name: string, query = ""): Promise<string> {
  const answer = await client.ask({ method: "POST", path: `/v2/${name}/blobs/uploads/${query}` });
  return locationOf(expectStatus(answer, 202));
}

/** Pushes a blob as most clients do: POST, then a PUT with all bytes. */
export async function pushBlob(client: HttpClient, name: string, { bytes, digest }: Content): Promise<void> {
  const location = await startUpload(client, name);
  const answer = await client.ask({ method: "PUT", path: withQuery(location, { digest }), body: bytes });
  expectStatus(answer, 201);
}

/** Pushes a manifest by `reference` (by default, its digest). */
export async function pushManifest(
  client: HttpClient,
  name: string,
  manifest: Content,
  mediaType: string,
  reference: string = manifest.digest,
): Promise<Answer> {
  const path = `/v2/${name}/manifests/${reference}`;
  return client.ask({ method: "PUT", path, headers: { "content-type": mediaType }, body: manifest.bytes });
}

/** A pushed image. */
export interface Image {
  readonly config: Content;
  readonly layers: readonly Content[];
  readonly manifest: Content;
  readonly mediaType: string;
}

export interface ImageOptions {
  readonly mediaType?: string;
  readonly layers?: number;
  readonly algorithm?: Algorithm;
  /** Further members of the manifest. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** An image with a config and some layers, none of which has been pushed. */
export function makeImage({ mediaType = OCI_MANIFEST, layers = 2, algorithm, extra = {} }: ImageOptions = {}): Image {
  const config = contentOf(
    JSON.stringify({ architecture: "amd64", os: "linux", nonce: randomBytes(8).toString("hex") }),
    algorithm,
  );
  const contents = Array.from({ length: layers }, () => randomContent(100, algorithm));
  const manifest = manifestOf(
    {
      schemaVersion: 2,
      mediaType,
      config: describeContent(config, OCI_CONFIG),
      layers: contents.map((layer) => describeContent(layer, OCI_LAYER)),
      ...extra,
    },
    algorithm,
  );
  return { config, layers: contents, manifest, mediaType };
}

/** Pushes an image's blobs and then its manifest, to `reference` (by default, its digest). */
export async function pushImage(
  client: HttpClient,
  name: string,
  reference?: string,
  options?: ImageOptions,
): Promise<Image> {
  const image = makeImage(options);
  for (const blob of [image.config, ...image.layers]) await pushBlob(client, name, blob);
  expectStatus(await pushManifest(client, name, image.manifest, image.mediaType, reference), 201);
  return image;
}
