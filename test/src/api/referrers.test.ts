import { expect, it } from "vitest";
import {
  contentOf,
  describeContent,
  digestOf,
  expectStatus,
  manifestOf,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_MANIFEST,
  pushBlob,
  pushImage,
  pushManifest,
  type Content,
  type ContentDescriptor,
} from "@longshore/testkit/fixtures";
import type { Answer, HttpClient } from "@longshore/testkit/http-client";
import { describeStorages } from "./storages.js";

const EMPTY = contentOf("{}");
const SBOM = "application/vnd.example.sbom+json";

interface Artifact {
  readonly content: Content;
  readonly descriptor: Readonly<Record<string, unknown>>;
}

/** Pushes an artifact about `subject`; returns it with the entry that the list must show. */
async function attach(
  client: HttpClient,
  name: string,
  subject: ContentDescriptor,
  artifactType: string | undefined,
  annotations: Readonly<Record<string, string>>,
): Promise<Artifact> {
  await pushBlob(client, name, EMPTY);
  const content = manifestOf({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    ...(artifactType === undefined ? {} : { artifactType }),
    config: describeContent(EMPTY, artifactType === undefined ? OCI_CONFIG : "application/vnd.oci.empty.v1+json"),
    layers: [],
    subject,
    annotations,
  });
  const answer = expectStatus(await pushManifest(client, name, content, OCI_MANIFEST), 201);
  expect(answer.headers["oci-subject"]).toBe(subject.digest);
  const descriptor = {
    ...describeContent(content, OCI_MANIFEST),
    artifactType: artifactType ?? OCI_CONFIG,
    annotations,
  };
  return { content, descriptor };
}

const indexOf = (manifests: readonly unknown[]): unknown => ({ schemaVersion: 2, mediaType: OCI_INDEX, manifests });

/** The entries of a list, however many. */
function manifestsOf(answer: Answer): unknown[] {
  const document = answer.json();
  if (
    typeof document === "object" &&
    document !== null &&
    "manifests" in document &&
    Array.isArray(document.manifests)
  ) {
    return document.manifests;
  }
  throw new Error(`no index: ${answer.text()}`);
}

const byDigest = (artifacts: readonly Artifact[]): unknown[] =>
  [...artifacts].sort((a, b) => (a.content.digest < b.content.digest ? -1 : 1)).map(({ descriptor }) => descriptor);

describeStorages("referrers", ({ client, repository }) => {
  it("don't exist for unknown things", async () => {
    const answer = await client().ask({ path: `/v2/${repository()}/referrers/${digestOf("x")}` });
    expect([answer.status, answer.headers["content-type"]]).toEqual([200, OCI_INDEX]);
    expect([answer.json(), answer.headers["oci-filters-applied"]]).toEqual([indexOf([]), undefined]);
  });

  it("are listed with their types and annotations, filtered by type on request", async () => {
    const name = repository();
    const { manifest } = await pushImage(client(), name, "image");
    const subject = describeContent(manifest, OCI_MANIFEST);
    const sbom = await attach(client(), name, subject, SBOM, { note: "<first> & foremost" });
    const image = await attach(client(), name, subject, undefined, { note: "second" });
    const path = `/v2/${name}/referrers/${manifest.digest}`;
    expect((await client().ask({ path })).json()).toEqual(indexOf(byDigest([sbom, image])));
    for (const [type, expected] of [
      [SBOM, [sbom]],
      [OCI_CONFIG, [image]],
      ["application/none", []],
    ] as const) {
      const answer = await client().ask({ path: `${path}?artifactType=${encodeURIComponent(type)}` });
      expect(answer.json()).toEqual(indexOf(byDigest(expected)));
      expect(answer.headers["oci-filters-applied"]).toBe("artifactType");
    }
    expectStatus(await client().ask({ method: "DELETE", path: `/v2/${name}/manifests/${sbom.content.digest}` }), 202);
    expect((await client().ask({ path })).json()).toEqual(indexOf([image.descriptor]));
  });

  it("come in pages that keep the filter", async () => {
    const name = repository();
    const subject = { mediaType: OCI_MANIFEST, digest: digestOf(name, "sha512"), size: 1 };
    const all = [];
    for (let i = 0; i < 5; i += 1) all.push(await attach(client(), name, subject, SBOM, { i: String(i) }));
    const found: unknown[] = [];
    let next: string | undefined =
      `/v2/${name}/referrers/${subject.digest}?artifactType=${encodeURIComponent(SBOM)}&n=2`;
    let count = 0;
    while (next !== undefined) {
      const answer = expectStatus(await client().ask({ path: next }), 200);
      found.push(...manifestsOf(answer));
      expect(answer.headers["oci-filters-applied"]).toBe("artifactType");
      const link = answer.headers["link"];
      next = typeof link === "string" ? /^<([^>]+)>; rel="next"$/.exec(link)?.[1] : undefined;
      count += 1;
    }
    expect([count, found]).toEqual([3, byDigest(all)]);
  });

  it("come in pages that a client can read, however large their annotations", async () => {
    const name = repository();
    const subject = { mediaType: OCI_MANIFEST, digest: digestOf(name), size: 1 };
    for (let i = 0; i < 2; i += 1) await attach(client(), name, subject, SBOM, { [`note${i}`]: "x".repeat(3_000_000) });
    const first = await client().ask({ path: `/v2/${name}/referrers/${subject.digest}` });
    expect(manifestsOf(first)).toHaveLength(1);
    expect(first.body.length).toBeLessThan(4 * 1024 * 1024);
    expect(first.headers["link"]).toMatch(/rel="next"$/);
  });

  it("come in pages, be they empty, where many large ones are of another type", async () => {
    const name = repository();
    const subject = { mediaType: OCI_MANIFEST, digest: digestOf(name), size: 1 };
    for (let i = 0; i < 3; i += 1) await attach(client(), name, subject, SBOM, { [`note${i}`]: "x".repeat(3_900_000) });
    const path = `/v2/${name}/referrers/${subject.digest}?artifactType=application%2Fnone`;
    const first = expectStatus(await client().ask({ path }), 200);
    expect(first.json()).toEqual(indexOf([]));
    const next = /^<([^>]+)>; rel="next"$/.exec(String(first.headers["link"]))?.[1];
    expect(next).toMatch(/artifactType=application%2Fnone&last=sha256%3A[a-f0-9]{64}&/);
    const second = expectStatus(await client().ask({ path: next ?? "" }), 200);
    expect([second.json(), second.headers["link"]]).toEqual([indexOf([]), undefined]);
  });

  it.each([
    ["sha256:abc", 400, "DIGEST_INVALID"],
    [`md5:${"a".repeat(32)}`, 400, "DIGEST_INVALID"],
    [`${digestOf("x")}?n=-1`, 400, "PAGINATION_NUMBER_INVALID"],
  ])("of %s are refused", async (reference, status, code) => {
    const answer = await client().ask({ path: `/v2/${repository()}/referrers/${reference}` });
    expect([answer.status, answer.code()]).toEqual([status, code]);
  });
});
