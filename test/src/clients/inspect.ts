import { createHttpClient } from "@longshore/testkit/http-client";
import { pushBlob, digestOf } from "@longshore/testkit/fixtures";
import { fetchExpecting } from "@longshore/testkit/fetch-expecting";
import { parseJson, pick, pickList, pickText } from "./json.js";
import { type Content, type Image, type MultiArch, content, contentsOf, MEDIA_TYPES } from "./images.js";

const ACCEPT = [MEDIA_TYPES.oci.manifest, MEDIA_TYPES.oci.index, MEDIA_TYPES.docker.manifest, MEDIA_TYPES.docker.index];

/** What a registry holds, asked over its API with nothing between: the judge of what a client really did. */
export interface Inspector {
  /** A manifest as stored. Throws unless its bytes match its digest. */
  manifest(repository: string, reference: string): Promise<Content>;
  /** The digest a tag points at, or undefined if the registry doesn't know it. */
  resolve(repository: string, reference: string): Promise<string | undefined>;
  /** Sorted here: 2.8 lists them in no order. */
  tags(repository: string): Promise<readonly string[]>;
  /** Reads everything that the reference holds, down to the layers, and checks each size and digest. Says the digests. */
  verify(repository: string, reference: string): Promise<ReadonlySet<string>>;
  /** Deletes a manifest by digest: for clients that can't. */
  deleteManifest(repository: string, digest: string): Promise<void>;
  /** Puts an image there without any client. */
  push(repository: string, tag: string, image: Image | MultiArch): Promise<void>;
}

/** An inspector of the registry at `host` (`127.0.0.1:<port>`). */
export function inspect(host: string): Inspector {
  const base = `http://${host}/v2`;
  const client = createHttpClient(`http://${host}`, { keepAlive: false });

  const manifest = async (repository: string, reference: string): Promise<Content> => {
    const response = await fetchExpecting(200, `${base}/${repository}/manifests/${reference}`, {
      headers: { accept: ACCEPT.join(", ") },
    });
    const found = content(response.headers.get("content-type") ?? "", Buffer.from(await response.arrayBuffer()));
    expectSame(response.headers.get("docker-content-digest"), found.digest, `digest of ${repository}:${reference}`);
    return found;
  };

  const blob = async (repository: string, descriptor: unknown): Promise<string> => {
    const digest = pickText(descriptor, "digest");
    const response = await fetchExpecting(200, `${base}/${repository}/blobs/${digest}`);
    const bytes = Buffer.from(await response.arrayBuffer());
    expectSame(digestOf(bytes), digest, `bytes of ${digest}`);
    expectSame(bytes.byteLength, pick(descriptor, "size"), `size of ${digest}`);
    return digest;
  };

  const verify = async (repository: string, reference: string): Promise<ReadonlySet<string>> => {
    const found = await manifest(repository, reference);
    const body = parseJson(found.bytes);
    const digests = new Set([found.digest]);
    for (const child of pickList(body, "manifests")) {
      (await verify(repository, pickText(child, "digest"))).forEach((digest) => digests.add(digest));
    }
    const config = pick(body, "config");
    for (const part of [...(config === undefined ? [] : [config]), ...pickList(body, "layers")]) {
      digests.add(await blob(repository, part));
    }
    return digests;
  };

  return {
    manifest,
    verify,
    async resolve(repository, reference) {
      const response = await fetch(`${base}/${repository}/manifests/${reference}`, {
        method: "HEAD",
        headers: { accept: ACCEPT.join(", ") },
      });
      if (response.status === 404) {
        return undefined;
      }
      expectSame(response.status, 200, `HEAD ${response.url}`);
      return response.headers.get("docker-content-digest") ?? undefined;
    },
    async tags(repository) {
      const response = await fetch(`${base}/${repository}/tags/list`);
      if (response.status === 404) {
        return [];
      }
      expectSame(response.status, 200, `GET ${response.url}`);
      return pickList(await response.json(), "tags")
        .map(String)
        .sort();
    },
    async deleteManifest(repository, digest) {
      await fetchExpecting(202, `${base}/${repository}/manifests/${digest}`, { method: "DELETE" });
    },
    async push(repository, tag, image) {
      const manifests = [image.manifest, ...("images" in image ? image.images.map((child) => child.manifest) : [])];
      for (const part of contentsOf(image)) {
        if (manifests.includes(part)) {
          const reference = part === image.manifest ? tag : part.digest;
          const headers = { "content-type": part.mediaType };
          await fetchExpecting(201, `${base}/${repository}/manifests/${reference}`, {
            method: "PUT",
            headers,
            body: part.bytes,
          });
        } else {
          await pushBlob(client, repository, part);
        }
      }
    },
  };
}

function expectSame(found: unknown, wanted: unknown, what: string): void {
  if (found !== wanted) {
    throw new Error(`${what}: ${String(found)} instead of ${String(wanted)}`);
  }
}
