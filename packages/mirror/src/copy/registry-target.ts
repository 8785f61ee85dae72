import { isDigest, OCI_INDEX, parseManifest, type Descriptor, type RepositoryName } from "@longshore/storage";
import { HOUR } from "@longshore/base/duration";
import type { UpstreamCall } from "../upstream/contract.js";
import { isUpstreamError } from "../upstream/errors.js";
import type { ApiRequest, Exchange } from "../upstream/exchange.js";
import type { ManifestApi } from "../upstream/manifests.js";
import type { WireAnswer } from "../upstream/net/wire.js";
import { fallbackTag } from "../upstream/referrers.js";
import { pushScope } from "../upstream/scope.js";
import { CopyError, type CopyTarget } from "./contract.js";

/** How long a blob's upload may take, from its first byte to the answer (ms): the source and this limit are all that ends one. */
const UPLOAD_TIME = 6 * HOUR;

/** Another registry as the target, by the API that every registry has. */
export function registryTarget(exchange: Exchange, manifests: ManifestApi, url: URL): CopyTarget {
  /** Whether the registry finds referrers by itself, as it says when one is stored (distribution-spec §Pushing Manifests with Subject). */
  let listsReferrers = false;

  const send = async (
    name: RepositoryName,
    request: Omit<ApiRequest, "scope" | "kind"> & Partial<Pick<ApiRequest, "kind">>,
  ): Promise<WireAnswer> => {
    const answer = await exchange.send({ kind: "blob", ...request, scope: pushScope(name) });
    await answer.drop();
    return answer;
  };

  const put = async (
    name: RepositoryName,
    reference: string,
    { bytes, mediaType }: { readonly bytes: Uint8Array; readonly mediaType: string },
    { signal }: UpstreamCall,
  ): Promise<WireAnswer> =>
    send(name, {
      kind: "manifest",
      method: "PUT",
      path: `/v2/${name}/manifests/${reference}`,
      headers: { "content-type": mediaType },
      body: { open: () => bytes },
      expect: [201],
      signal,
    });

  /** Where an upload goes: on the registry's own host, since it gets the credentials and the content. */
  const uploadUrl = ({ headers, url: from }: WireAnswer, digest: string): URL => {
    const { location = "" } = headers;
    if (location === "" || !URL.canParse(location, from.href)) {
      throw new CopyError(`${url.host} began an upload and didn't say where`);
    }
    const target = new URL(location, from);
    if (target.origin !== url.origin) throw new CopyError(`${url.host} wants uploads sent to ${target.host}`);
    target.searchParams.set("digest", digest);
    return target;
  };

  return {
    async resolveTag(name, tag, call) {
      try {
        return (await manifests.resolve(name, tag, call)).digest;
      } catch (error) {
        if (isUpstreamError(error, "NOT_FOUND")) return undefined;
        throw error;
      }
    },
    async hasManifest(name, digest, { signal }) {
      const path = `/v2/${name}/manifests/${digest}`;
      const accept = { accept: "*/*" };
      const answer = await send(name, {
        kind: "manifest",
        method: "HEAD",
        path,
        headers: accept,
        expect: [200, 404],
        signal,
      });
      return answer.status === 200;
    },
    async hasBlob(name, digest, { signal }) {
      const path = `/v2/${name}/blobs/${digest}`;
      const answer = await send(name, { method: "HEAD", path, expect: [200, 404], signal });
      return answer.status === 200;
    },
    async putBlob(name, { digest, size }, content, { signal }) {
      // The token that an upload needs is had with the first request, whose body is empty: the blob can be sent only once.
      const path = `/v2/${name}/blobs/uploads/`;
      const begun = await send(name, { method: "POST", path, body: { open: () => "" }, expect: [202], signal });
      await send(name, {
        method: "PUT",
        path: uploadUrl(begun, digest),
        headers: { "content-type": "application/octet-stream", "content-length": String(size) },
        body: { open: () => content, once: true },
        expect: [201],
        timeout: UPLOAD_TIME,
        signal,
      });
    },
    async putManifest(name, manifest, tag, call) {
      const answer = await put(name, tag ?? manifest.digest, manifest, call);
      const told = answer.headers["docker-content-digest"];
      if (typeof told === "string" && isDigest(told) && told !== manifest.digest && told.startsWith("sha256:")) {
        throw new CopyError(`${url.host} stored ${manifest.digest} as ${told}`);
      }
      listsReferrers ||= answer.headers["oci-subject"] !== undefined;
    },
    async listReferrers(name, subject, referrers, call) {
      if (listsReferrers) return;
      const tag = fallbackTag(subject);
      const before = await referrersUnder(name, tag, call);
      const known = new Set<string>(before.map(({ digest }) => digest));
      const all = [...before, ...referrers.filter(({ digest }) => !known.has(digest))];
      if (all.length === before.length) return;
      const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: all };
      await put(name, tag, { bytes: Buffer.from(JSON.stringify(index)), mediaType: OCI_INDEX }, call);
    },
  };

  async function referrersUnder(
    name: RepositoryName,
    tag: ReturnType<typeof fallbackTag>,
    call: UpstreamCall,
  ): Promise<readonly Descriptor[]> {
    try {
      const { bytes, mediaType } = await manifests.fetch(name, tag, call);
      const manifest = parseManifest(bytes, mediaType);
      return manifest.kind === "index" ? manifest.manifests : [];
    } catch (error) {
      if (isUpstreamError(error, "NOT_FOUND")) return [];
      throw error;
    }
  }
}
