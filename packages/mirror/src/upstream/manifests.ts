import {
  digestOf,
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
  isDigest,
  isManifestMediaType,
  isStorageError,
  OCI_INDEX,
  OCI_MANIFEST,
  parseManifest,
  splitDigest,
  type Digest,
  type RepositoryName,
  type TagName,
} from "@longshore/storage";
import { MIB } from "@longshore/base/size";
import { readWhole } from "./body.js";
import type { FetchedManifest, ManifestCall, ResolvedManifest, Upstream } from "./contract.js";
import { UpstreamError } from "./errors.js";
import type { ApiRequest, Exchange } from "./exchange.js";
import { mediaTypeOf } from "./media-type.js";
import type { WireAnswer } from "./net/wire.js";
import { pullScope } from "./scope.js";

/** What every client has to take at least (distribution-spec §Pushing Manifests), and what Distribution takes at most. */
const MAX_MANIFEST = 4 * MIB;

const ALL_TYPES = [OCI_INDEX, DOCKER_MANIFEST_LIST, OCI_MANIFEST, DOCKER_MANIFEST];

/** Types under which servers that know nothing of manifests send files. */
const NONDESCRIPT: ReadonlySet<string> = new Set(["", "application/json", "application/octet-stream", "text/plain"]);

export interface ApiOptions {
  readonly host: string;
  readonly exchange: Exchange;
  /** For a body that is read whole (ms). */
  readonly timeout: number;
}

/** Reading manifests of an upstream. */
export interface ManifestApi {
  readonly resolve: Upstream["resolveManifest"];
  readonly fetch: Upstream["fetchManifest"];
}

export function createManifestApi({ host, exchange, timeout }: ApiOptions): ManifestApi {
  const invalid = (reason: string): UpstreamError => new UpstreamError(host, { code: "INVALID_ANSWER", reason });

  const request = (
    method: "GET" | "HEAD",
    name: RepositoryName,
    reference: string,
    { accept = ALL_TYPES, signal }: ManifestCall,
  ): ApiRequest => ({
    kind: "manifest",
    method,
    path: `/v2/${name}/manifests/${reference}`,
    // Quay answers with schema 1 unless it is told what we take.
    headers: { accept: [...accept, "*/*"].join(", ") },
    scope: pullScope(name),
    expect: [200, 404],
    signal,
  });

  const fetch = async (
    name: RepositoryName,
    reference: TagName | Digest,
    call: ManifestCall = {},
  ): Promise<FetchedManifest> => {
    const answer = await exchange.send(request("GET", name, reference, call));
    if (answer.status === 404) {
      await answer.drop();
      throw new UpstreamError(host, { code: "NOT_FOUND", what: "manifest" });
    }
    const type = mediaTypeOf(answer.headers);
    if (type === "text/html") {
      answer.cancel();
      throw invalid("it answered with a web page in place of a manifest, as a login page or a firewall does");
    }
    const bytes = await readWhole(answer, { host, what: "manifest", limit: MAX_MANIFEST, timeout });
    const digest = checkDigest(bytes, reference, answer);
    return { digest, mediaType: checkType(bytes, type), size: bytes.byteLength, bytes };
  };

  /** The digest that was asked for, or that the upstream tells, or sha256; the bytes have it. */
  const checkDigest = (bytes: Uint8Array, reference: string, { headers }: WireAnswer): Digest => {
    const told = toldDigest(headers["docker-content-digest"]);
    const wanted = isDigest(reference) ? reference : told;
    if (wanted === undefined) return digestOf(bytes);
    const actual = digestOf(bytes, splitDigest(wanted).algorithm);
    if (actual === wanted) return wanted;
    throw invalid(`its manifest ${isDigest(reference) ? "" : `of ${reference} `}should be ${wanted} and is ${actual}`);
  };

  const checkType = (bytes: Uint8Array, type: string): string => {
    const mediaType = NONDESCRIPT.has(type) ? (ownType(bytes) ?? type) : type;
    if (!isManifestMediaType(mediaType)) throw invalid(`its manifest has the type ${JSON.stringify(mediaType)}`);
    try {
      return parseManifest(bytes, mediaType).mediaType;
    } catch (error) {
      if (!isStorageError(error)) throw error;
      throw invalid(`its manifest is damaged: ${error.message}`);
    }
  };

  return {
    fetch,
    async resolve(name, reference, call = {}) {
      const resolved = await head(exchange, request("HEAD", name, reference, call));
      if (resolved === "unknown") throw new UpstreamError(host, { code: "NOT_FOUND", what: "manifest" });
      if (resolved === undefined || (isDigest(reference) && resolved.digest !== reference)) {
        return fetch(name, reference, call);
      }
      return resolved;
    },
  };
}

/** What HEAD tells; undefined: not enough, ask by GET. */
async function head(exchange: Exchange, request: ApiRequest): Promise<ResolvedManifest | "unknown" | undefined> {
  const answer = await exchange.send({ ...request, expect: [200, 400, 403, 404, 405, 501] });
  await answer.drop();
  if (answer.status === 404) return "unknown";
  if (answer.status !== 200) return undefined;
  const digest = toldDigest(answer.headers["docker-content-digest"]);
  const mediaType = mediaTypeOf(answer.headers);
  const size = Number(answer.headers["content-length"] ?? Number.NaN);
  if (digest === undefined || !isManifestMediaType(mediaType) || !Number.isSafeInteger(size)) return undefined;
  return { digest, mediaType, size };
}

function toldDigest(header: string | string[] | undefined): Digest | undefined {
  return typeof header === "string" && isDigest(header) ? header : undefined;
}

/** The `mediaType` that a manifest names itself. */
function ownType(bytes: Buffer | Uint8Array): string | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    const named: unknown = typeof value === "object" && value !== null ? Reflect.get(value, "mediaType") : undefined;
    return typeof named === "string" ? named : undefined;
  } catch {
    return undefined;
  }
}
