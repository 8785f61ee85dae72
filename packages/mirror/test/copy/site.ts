import { openRegistry, parseRepositoryName } from "@longshore/storage";
import {
  contentOf,
  describeContent,
  expectStatus,
  manifestOf,
  OCI_INDEX,
  OCI_MANIFEST,
  pushBlob,
  pushImage,
  pushManifest,
  type Content,
} from "@longshore/testkit/fixtures";
import type { HttpClient } from "@longshore/testkit/http-client";
import { startApi, type RunningApi } from "@longshore/testkit/start-registry";
import {
  copyRepositories,
  openRegistryTarget,
  storageTarget,
  type CopyRequest,
  type CopyResult,
  type CopyTarget,
} from "../../src/index.js";
import { openUpstream, upstreamOptions } from "../upstream/site.js";

/** Two registries, and copying from the first one to the second. */
export interface CopySite extends AsyncDisposable {
  readonly source: HttpClient;
  readonly target: HttpClient;
  /** Requests that the source answered so far. */
  asked(): number;
  copy(request?: Partial<CopyRequest>): Promise<CopyResult & { readonly failures: readonly string[] }>;
}

/** How the second one is written to. */
export type TargetKind = "storage" | "registry";

export async function openCopySite(kind: TargetKind): Promise<CopySite> {
  const source = await startApi();
  let requests = 0;
  source.server.on("request", () => void (requests += 1));
  const target = await startApi();
  const opened = openTarget(kind, target);
  const upstream = openUpstream(source.client.origin);
  return {
    source: source.client,
    target: target.client,
    asked: () => requests,
    async copy(request = {}) {
      const failures: string[] = [];
      const result = await copyRepositories({
        source: upstream,
        target: opened.copyTarget,
        repositories: ["**"],
        tags: ["*"],
        rename: (name) => parseRepositoryName(`copies/${name}`),
        platforms: undefined,
        referrers: true,
        full: false,
        dryRun: false,
        jobs: 4,
        signal: new AbortController().signal,
        observer: { failed: (what, error) => failures.push(`${what}: ${String(error)}`) },
        ...request,
      });
      return { ...result, failures };
    },
    async [Symbol.asyncDispose]() {
      await upstream.close();
      await opened.close();
      await source.stop();
      await target.stop();
    },
  };
}

function openTarget(
  kind: TargetKind,
  { driver, client }: RunningApi,
): { copyTarget: CopyTarget; close(): Promise<void> } {
  if (kind === "storage") return { copyTarget: storageTarget(openRegistry(driver)), close: () => Promise.resolve() };
  const opened = openRegistryTarget(upstreamOptions({ remoteurl: client.origin }), { environment: {} });
  return { copyTarget: opened.target, close: () => opened.close() };
}

/** An index of images for linux/amd64 and linux/arm64, under a tag. */
export async function pushPlatforms(client: HttpClient, name: string, tag: string): Promise<Content> {
  const images = [await pushImage(client, name), await pushImage(client, name)];
  const index = manifestOf({
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: images.map(({ manifest }, at) => ({
      ...describeContent(manifest, OCI_MANIFEST),
      platform: { os: "linux", architecture: at === 0 ? "amd64" : "arm64" },
    })),
  });
  expectStatus(await pushManifest(client, name, index, OCI_INDEX, tag), 201);
  return index;
}

/** A signature, say, of `subject`. */
export async function pushReferrer(client: HttpClient, name: string, subject: Content): Promise<Content> {
  const empty = contentOf("{}");
  await pushBlob(client, name, empty);
  const referrer = manifestOf({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: "application/vnd.example.signature",
    config: describeContent(empty, "application/vnd.oci.empty.v1+json"),
    layers: [describeContent(empty, "application/vnd.oci.empty.v1+json")],
    subject: describeContent(subject, OCI_MANIFEST),
    annotations: { nonce: String(Math.random()) },
  });
  expectStatus(await pushManifest(client, name, referrer, OCI_MANIFEST), 201);
  return referrer;
}

/** The digests of a subject's referrers. */
export async function referrersOf(client: HttpClient, name: string, { digest }: Content): Promise<string[]> {
  const answer = expectStatus(await client.ask({ path: `/v2/${name}/referrers/${digest}` }), 200);
  const index: unknown = answer.json();
  const manifests: unknown = typeof index === "object" && index !== null ? Reflect.get(index, "manifests") : [];
  return Array.isArray(manifests) ? manifests.map((each: unknown) => String(Reflect.get(Object(each), "digest"))) : [];
}
