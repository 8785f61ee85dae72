import {
  contentOf,
  describeContent,
  digestOf,
  DOCKER_LIST,
  DOCKER_MANIFEST,
  manifestOf,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_MANIFEST,
  type Algorithm,
  type Content,
} from "@longshore/testkit/fixtures";

/** A manifest with what a registry has to know of it. */
export interface KnownManifest {
  readonly content: Content;
  readonly mediaType: string;
  /** What must be in the repository: as a blob, as a manifest, or as either. */
  readonly blobs?: readonly string[];
  readonly manifests?: readonly string[];
  readonly either?: readonly string[];
  readonly subject?: string;
  /** As a referrers list shows it. */
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** The image for linux on amd64 that a list of the Docker kind names. */
  readonly amd64?: string;
  /** No registry may take it. */
  readonly isInvalid?: true;
}

/** Few repositories and little content, so that requests meet one another. */
export interface Universe {
  readonly repositories: readonly string[];
  readonly blobs: readonly Content[];
  readonly manifests: readonly KnownManifest[];
  readonly tags: readonly string[];
  /** What nobody ever pushes. */
  readonly absent: string;
}

const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";
const FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd";

/** A universe of its own for each `name`: the same content has never been pushed before. */
export function createUniverse(name: string): Universe {
  const blobs = [
    contentOf(`config of ${name}`),
    contentOf(`0123456789 ${name}`),
    contentOf(`sha512 of ${name}`, "sha512"),
    contentOf(`${name} `.repeat(500)),
    contentOf(""),
  ];
  const [config, layer, other, large] = blobs.map((blob) => blob.digest);
  const absent = digestOf(`absent from ${name}`);
  const known: KnownManifest[] = [];
  const add = (mediaType: string, body: object, more: Omit<KnownManifest, "content" | "mediaType">, by?: Algorithm) => {
    const manifest = { content: manifestOf({ schemaVersion: 2, mediaType, ...body }, by), mediaType, ...more };
    known.push(manifest);
    return manifest;
  };
  const describe = (index: number, mediaType: string) => describeContent(blobs[index] ?? contentOf(""), mediaType);
  const of = ({ content, mediaType }: KnownManifest) => describeContent(content, mediaType);

  const oci = { config: describe(0, OCI_CONFIG), layers: [describe(1, LAYER), describe(2, LAYER)] };
  const needs = { blobs: [config, layer, other].map(String), artifactType: OCI_CONFIG };
  const image = add(OCI_MANIFEST, oci, needs);
  const docker = add(
    DOCKER_MANIFEST,
    { config: oci.config, layers: [describe(3, LAYER)] },
    { blobs: [config, large].map(String) },
  );
  add(OCI_MANIFEST, { ...oci, annotations: { by: "sha512" } }, { ...needs, annotations: { by: "sha512" } }, "sha512");
  const elsewhere = { mediaType: FOREIGN, digest: absent, size: 9, urls: ["https://example.com/layer"] };
  const empty = { config: oci.config, layers: [] };
  add(OCI_MANIFEST, { ...empty, layers: [elsewhere] }, { blobs: [String(config)], artifactType: OCI_CONFIG });
  const about = (subject: object, artifactType: string, more = {}) => ({ ...empty, subject, artifactType, ...more });
  add(OCI_MANIFEST, about(of(image), "text/signature", { annotations: { note: null } }), {
    blobs: [String(config)],
    subject: image.content.digest,
    artifactType: "text/signature",
    annotations: { note: "" },
  });
  add(OCI_MANIFEST, about({ mediaType: OCI_MANIFEST, digest: absent, size: 3 }, "text/report"), {
    blobs: [String(config)],
    subject: absent,
    artifactType: "text/report",
  });
  const index = add(
    OCI_INDEX,
    { manifests: [of(image), of(docker)] },
    { manifests: [image, docker].map((one) => one.content.digest) },
  );
  add(
    OCI_INDEX,
    { manifests: [], subject: of(image), artifactType: "text/signature" },
    { subject: image.content.digest, artifactType: "text/signature" },
  );
  add(OCI_INDEX, { manifests: [of(index)] }, { manifests: [index.content.digest] });
  add(
    OCI_INDEX,
    { manifests: [describe(1, LAYER), describe(3, "application/vnd.buildkit.cacheconfig.v0")] },
    { either: [layer, large].map(String) },
  );
  add(
    DOCKER_LIST,
    { manifests: [{ ...of(docker), platform: { architecture: "amd64", os: "linux" } }] },
    { manifests: [docker.content.digest], amd64: docker.content.digest },
  );
  const invalid = (text: string, mediaType = OCI_MANIFEST) =>
    known.push({ content: contentOf(`${text} `), mediaType, isInvalid: true });
  invalid(`{"schemaVersion":2`);
  invalid(JSON.stringify({ schemaVersion: 1, mediaType: OCI_MANIFEST, ...oci }));
  invalid(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, ...oci }));
  invalid(JSON.stringify({ schemaVersion: 2, manifests: [], layers: [] }), OCI_INDEX);
  return {
    repositories: [`${name}/a`, `${name}/b`, `${name}/b-c`],
    blobs,
    manifests: known,
    tags: ["latest", "v1", "V1"],
    absent,
  };
}
