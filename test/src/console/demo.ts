import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import {
  contentOf,
  describeContent,
  expectStatus,
  indexOf,
  manifestOf,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_MANIFEST,
  pushBlob,
  pushManifest,
  type Content,
  type ContentDescriptor,
} from "@longshore/testkit/fixtures";
import type { HttpClient } from "@longshore/testkit/http-client";
import { tar } from "../clients/tar.js";

/*
 * A store as a small company has it, for tests of the console and for its pictures: images for several platforms, with attestations,
 * signatures and SBOMs, a Helm chart, a WebAssembly module.
 */

const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";
const EMPTY = contentOf("{}");
const EMPTY_TYPE = "application/vnd.oci.empty.v1+json";

export interface Pushed extends ContentDescriptor {
  readonly artifactType?: string;
}

function tarOf(files: Readonly<Record<string, Uint8Array>>): Buffer {
  return tar(Object.entries(files).map(([name, content]) => ({ name, content })));
}

interface ImageParts {
  readonly architecture?: string;
  readonly variant?: string;
  readonly created?: string;
  /** Members of the config's `config`. */
  readonly config?: object;
  readonly author?: string;
  /** One layer each. */
  readonly layers?: readonly LayerParts[];
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface LayerParts {
  readonly command: string;
  readonly content: Content;
}

/** Pushes a blob unless this run did. */
async function pushBlobs(client: HttpClient, name: string, blobs: readonly Content[]): Promise<void> {
  for (const blob of blobs) await pushBlob(client, name, blob);
}

/** A layer with one file of `size` random bytes, which don't compress. */
function layerOf(command: string, size: number, file = "opt/data.bin"): LayerParts {
  return { command, content: contentOf(gzipSync(tarOf({ [file]: randomBytes(size) }), { level: 1 })) };
}

/** A layer of these files. */
export function filesLayer(command: string, files: Readonly<Record<string, string>>): LayerParts {
  const contents = Object.entries(files).map(([path, text]) => [path, Buffer.from(text)] as const);
  return { command, content: contentOf(gzipSync(tarOf(Object.fromEntries(contents)))) };
}

/** Pushes an image for one platform; without `tag` by its digest. */
export async function pushDemoImage(
  client: HttpClient,
  name: string,
  tag: string | undefined,
  parts: ImageParts,
): Promise<Pushed> {
  const { architecture = "amd64", variant, created = new Date().toISOString(), layers = [], config: run = {} } = parts;
  const config = contentOf(
    JSON.stringify({
      architecture,
      os: "linux",
      ...(variant === undefined ? {} : { variant }),
      created,
      author: parts.author ?? "Platform team",
      config: run,
      rootfs: { type: "layers", diff_ids: layers.map(({ content }) => content.digest) },
      history: layers.flatMap(({ command }, index) => [
        { created, created_by: command },
        ...(index === layers.length - 1
          ? [{ created, created_by: 'ENTRYPOINT ["/usr/bin/app"]', empty_layer: true }]
          : []),
      ]),
    }),
  );
  await pushBlobs(client, name, [config, ...layers.map(({ content }) => content)]);
  const manifest = manifestOf({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: describeContent(config, OCI_CONFIG),
    layers: layers.map(({ content }) => describeContent(content, LAYER)),
    ...(parts.annotations === undefined ? {} : { annotations: parts.annotations }),
  });
  expectStatus(await pushManifest(client, name, manifest, OCI_MANIFEST, tag), 201);
  return describeContent(manifest, OCI_MANIFEST);
}

/** Pushes an index of these manifests. */
export async function pushIndex(
  client: HttpClient,
  name: string,
  tag: string,
  manifests: readonly object[],
  extra: object = {},
): Promise<Pushed> {
  const index = manifestOf(indexOf(manifests, extra));
  expectStatus(await pushManifest(client, name, index, OCI_INDEX, tag), 201);
  return describeContent(index, OCI_INDEX);
}

interface ArtifactParts {
  readonly artifactType?: string;
  readonly config?: { readonly mediaType: string; readonly content: Content };
  readonly layers: readonly {
    readonly mediaType: string;
    readonly content: Content;
    readonly annotations?: Readonly<Record<string, string>>;
  }[];
  readonly subject?: Pushed;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly tag?: string;
}

/** Pushes something that isn't an image, such as `oras push` and `oras attach` make it. */
export async function pushArtifact(client: HttpClient, name: string, parts: ArtifactParts): Promise<Pushed> {
  const config = parts.config ?? { mediaType: EMPTY_TYPE, content: EMPTY };
  await pushBlobs(client, name, [config.content, ...parts.layers.map(({ content }) => content)]);
  const { subject, annotations, artifactType } = parts;
  const manifest = manifestOf({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    ...(artifactType === undefined ? {} : { artifactType }),
    config: describeContent(config.content, config.mediaType),
    layers: parts.layers.map((layer) => ({
      ...describeContent(layer.content, layer.mediaType),
      ...(layer.annotations === undefined ? {} : { annotations: layer.annotations }),
    })),
    ...(subject === undefined
      ? {}
      : { subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size } }),
    ...(annotations === undefined ? {} : { annotations }),
  });
  expectStatus(await pushManifest(client, name, manifest, OCI_MANIFEST, parts.tag), 201);
  return describeContent(manifest, OCI_MANIFEST);
}

function jsonContent(value: unknown): Content {
  return contentOf(JSON.stringify(value));
}

const PACKAGES = [
  "alpine-baselayout",
  "busybox",
  "ca-certificates",
  "curl",
  "libcrypto3",
  "libssl3",
  "musl",
  "nodejs",
  "zlib",
  "zstd-libs",
];

export function spdxOf(name: string, packages: readonly string[] = PACKAGES): unknown {
  return {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name,
    creationInfo: { created: "2026-11-02T10:00:00Z", creators: ["Tool: syft-1.30.0"] },
    packages: packages.map((each, index) => ({
      SPDXID: `SPDXRef-${index}`,
      name: each,
      versionInfo: `${index + 1}.${(index * 7) % 10}.2-r0`,
      licenseConcluded: "NOASSERTION",
      licenseDeclared: ["MIT", "Apache-2.0", "BSD-3-Clause", "GPL-2.0-only"][index % 4],
      supplier: "Organization: Alpine",
      externalRefs: [
        {
          referenceCategory: "PACKAGE-MANAGER",
          referenceType: "purl",
          referenceLocator: `pkg:apk/alpine/${each}@${index + 1}.${(index * 7) % 10}.2-r0`,
        },
      ],
    })),
  };
}

function cycloneOf(name: string, packages: readonly string[] = PACKAGES): unknown {
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: { timestamp: "2026-11-02T10:00:00Z", component: { type: "container", name } },
    components: packages.map((each, index) => ({
      type: "library",
      name: each,
      version: `${index + 1}.0.${index}`,
      purl: `pkg:npm/${each}@${index + 1}.0.${index}`,
      licenses: [{ license: { id: index % 2 === 0 ? "MIT" : "Apache-2.0" } }],
    })),
  };
}

function provenanceOf(name: string, digest: string): unknown {
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name, digest: { sha256: digest.replace("sha256:", "") } }],
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: {
      buildDefinition: {
        buildType: "https://mobyproject.org/buildkit@v1",
        externalParameters: { configSource: { path: "Dockerfile" }, request: { frontend: "dockerfile.v0" } },
        resolvedDependencies: [
          { uri: "pkg:docker/node@22-alpine?platform=linux%2Famd64", digest: { sha256: "ab".repeat(32) } },
          { uri: "git+https://git.example.com/shop/web.git", digest: { gitCommit: "c0ffee".repeat(6) + "c0ff" } },
        ],
      },
      runDetails: {
        builder: { id: "https://ci.example.com/shop/web/runs/4711" },
        metadata: { startedOn: "2026-11-02T09:58:12Z", finishedOn: "2026-11-02T10:01:40Z" },
      },
    },
  };
}

const IN_TOTO = "application/vnd.in-toto+json";
const BASE = layerOf("ADD alpine-minirootfs-3.22.tar.gz / # buildkit", 380_000);
const NODE = layerOf("RUN apk add --no-cache nodejs npm # buildkit", 910_000);

/** The image that most tests and pictures look at: two platforms, each with an attestation, signed, with SBOMs. */
async function pushShop(client: HttpClient): Promise<void> {
  const name = "shop/web";
  for (const [version, day] of [
    ["2.8.0", "2026-09-14"],
    ["2.9.0", "2026-10-20"],
    ["2.10.0", "2026-11-02"],
  ] as const) {
    const manifests: object[] = [];
    for (const [architecture, variant] of [["amd64"], ["arm64", "v8"]] as const) {
      const image = await pushDemoImage(client, name, undefined, {
        architecture,
        ...(variant === undefined ? {} : { variant }),
        created: `${day}T10:00:00Z`,
        config: {
          Entrypoint: ["/usr/bin/node"],
          Cmd: ["server.js"],
          User: "node",
          WorkingDir: "/app",
          ExposedPorts: { "8080/tcp": {}, "9090/tcp": {} },
          Env: ["PATH=/usr/local/bin:/usr/bin:/bin", "NODE_ENV=production", `APP_VERSION=${version}`],
          Labels: {
            "org.opencontainers.image.title": "Shop front end",
            "org.opencontainers.image.source": "https://git.example.com/shop/web",
            "org.opencontainers.image.version": version,
            "org.opencontainers.image.licenses": "Apache-2.0",
          },
          StopSignal: "SIGTERM",
        },
        layers: [
          BASE,
          NODE,
          filesLayer("COPY package.json package-lock.json ./ # buildkit", {
            "app/package.json": JSON.stringify({ name: "web", version }),
            "app/package-lock.json": "{}",
          }),
          layerOf("RUN npm ci --omit=dev # buildkit", 640_000, "app/node_modules/all.js"),
          layerOf("COPY dist ./ # buildkit", 120_000, "app/server.js"),
        ],
      });
      manifests.push({
        ...image,
        platform: { os: "linux", architecture, ...(variant === undefined ? {} : { variant }) },
      });
      const attestation = await pushArtifact(client, name, {
        config: {
          mediaType: OCI_CONFIG,
          content: jsonContent({ architecture: "unknown", os: "unknown", of: image.digest }),
        },
        layers: [
          {
            mediaType: IN_TOTO,
            content: jsonContent(provenanceOf(name, image.digest)),
            annotations: { "in-toto.io/predicate-type": "https://slsa.dev/provenance/v1" },
          },
        ],
      });
      manifests.push({
        ...attestation,
        platform: { os: "unknown", architecture: "unknown" },
        annotations: {
          "vnd.docker.reference.type": "attestation-manifest",
          "vnd.docker.reference.digest": image.digest,
        },
      });
    }
    const index = await pushIndex(client, name, version, manifests);
    if (version !== "2.10.0") continue;
    for (const tag of ["latest", "2.10", "2"]) await pushIndex(client, name, tag, manifests);
    await pushArtifact(client, name, {
      artifactType: "application/vnd.dev.cosign.artifact.sig.v1+json",
      layers: [
        {
          mediaType: "application/vnd.dev.cosign.simplesigning.v1+json",
          content: jsonContent({
            critical: {
              identity: { "docker-reference": `registry.example.com/${name}` },
              image: { "docker-manifest-digest": index.digest },
              type: "cosign container image signature",
            },
            optional: { creator: "release@example.com" },
          }),
          annotations: { "dev.cosignproject.cosign/signature": "MEUCIQDexample==" },
        },
      ],
      subject: index,
    });
    const sbom = await pushArtifact(client, name, {
      artifactType: "application/spdx+json",
      layers: [{ mediaType: "application/spdx+json", content: jsonContent(spdxOf(name)) }],
      subject: index,
      annotations: { "org.opencontainers.image.created": "2026-11-02T10:02:00Z" },
    });
    await pushArtifact(client, name, {
      artifactType: "application/vnd.cyclonedx+json",
      layers: [{ mediaType: "application/vnd.cyclonedx+json", content: jsonContent(cycloneOf(name)) }],
      subject: index,
    });
    await pushArtifact(client, name, {
      artifactType: IN_TOTO,
      layers: [{ mediaType: IN_TOTO, content: jsonContent(provenanceOf(name, index.digest)) }],
      subject: index,
    });
    await pushArtifact(client, name, {
      artifactType: "application/vnd.example.review",
      layers: [{ mediaType: "text/plain", content: contentOf("Reviewed by two people.") }],
      subject: sbom,
    });
  }
}

async function pushOthers(client: HttpClient): Promise<void> {
  await pushArtifact(client, "charts/shop", {
    tag: "1.4.2",
    config: {
      mediaType: "application/vnd.cncf.helm.config.v1+json",
      content: jsonContent({
        apiVersion: "v2",
        name: "shop",
        version: "1.4.2",
        appVersion: "2.10.0",
        description: "The shop with its database and queue",
        maintainers: [{ name: "Platform team", email: "platform@example.com" }],
        dependencies: [{ name: "postgresql", version: "16.x", repository: "oci://registry.example.com/charts" }],
      }),
    },
    layers: [
      {
        mediaType: "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
        content: contentOf(
          gzipSync(
            tarOf({
              "shop/Chart.yaml": Buffer.from("apiVersion: v2\nname: shop\nversion: 1.4.2\n"),
              "shop/values.yaml": Buffer.from("replicas: 3\nimage:\n  repository: shop/web\n  tag: 2.10.0\n"),
            }),
          ),
        ),
      },
    ],
    annotations: { "org.opencontainers.image.description": "The shop with its database and queue" },
  });
  await pushArtifact(client, "edge/filter", {
    tag: "0.3.0",
    config: {
      mediaType: "application/vnd.wasm.config.v0+json",
      content: jsonContent({ os: "wasip2", architecture: "wasm" }),
    },
    layers: [{ mediaType: "application/wasm", content: contentOf(randomBytes(64_000)) }],
  });
  await pushArtifact(client, "data/models", {
    tag: "2026-11",
    artifactType: "application/vnd.example.model",
    layers: [
      {
        mediaType: "application/octet-stream",
        content: contentOf(randomBytes(700_000)),
        annotations: { "org.opencontainers.image.title": "weights.bin" },
      },
    ],
  });
  // Builders of reproducible images write 1970.
  await pushDemoImage(client, "tools/distroless", "latest", {
    created: "1970-01-01T00:00:00Z",
    layers: [layerOf("bazel build", 90_000)],
  });
  const small = [
    "alpine",
    "base/node",
    "base/python",
    "ci/runner",
    "shop/api",
    "shop/mail",
    "shop/search",
    "shop/worker",
    "team/analytics/etl",
    "team/analytics/notebook",
    "team/billing",
    "tools/lint",
    "tools/migrate",
  ];
  for (const [index, name] of small.entries()) {
    for (let version = 0; version <= index % 4; version += 1) {
      await pushDemoImage(client, name, `1.${version}.0`, {
        created: new Date(Date.UTC(2026, 10 - (index % 9), 3 + version)).toISOString(),
        layers: [BASE, layerOf("RUN make install # buildkit", 40_000 + 30_000 * ((index * 5) % 13))],
      });
    }
  }
}

/** Fills an empty registry. */
export async function fillDemo(client: HttpClient): Promise<void> {
  await pushOthers(client);
  await pushShop(client);
}
