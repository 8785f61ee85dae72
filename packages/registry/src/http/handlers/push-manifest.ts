import { parseReference, parseTagName, type Reference, type TagName } from "@longshore/storage";
import { ApiError } from "../../errors/api-error.js";
import { withoutParameters } from "../headers/accept.js";
import type { Exchange } from "../exchange.js";
import type { HttpLimits } from "../../config/config.js";
import { readSmallBody, type SmallBody } from "../body/small-body.js";

/** Tags of one push; the specification requires at least ten, and each is a durable write. */
const MAX_TAGS = 100;

/** `PUT /v2/<name>/manifests/<reference>` (distribution-spec §Pushing Manifests). */
export async function putManifest(exchange: Exchange): Promise<void> {
  const reference = parseReference(exchange.reference);
  const { repository, shared, request } = exchange;
  const tags = tagsOf(exchange, reference);
  using body = await readBody(exchange, shared.config.http.limits);
  // Without the exchange's signal: it is better to complete a push whose client disconnects now than to leave it half done.
  const { descriptor, subject } = await repository.manifests.put(
    {
      bytes: body.bytes,
      mediaType: withoutParameters(request.headers["content-type"] ?? ""),
      digest: reference.kind === "digest" ? reference.digest : undefined,
      tags,
      grantedClasses: grantedClasses(exchange),
    },
    { onWarning: (text) => exchange.warn(text) },
  );
  shared.activity?.recordPush(repository.name, descriptor.digest, tags, exchange.grant.account);
  const location = shared.urls.manifest(request, exchange.name, descriptor.digest);
  const headers = ["Location", location, "Docker-Content-Digest", descriptor.digest];
  if (subject !== undefined) headers.push("OCI-Subject", subject);
  if (reference.kind === "digest") for (const tag of tags) headers.push("OCI-Tag", tag);
  else if (exchange.parameter("tag") !== undefined) exchange.warn(TAGS_IGNORED);
  exchange.end(201, headers);
}

/** A grant without a class is for images, as in Distribution (wire contract §11.2). */
function grantedClasses({ grant, name }: Exchange): readonly string[] | undefined {
  const resources = grant.resources?.filter((resource) => resource.name === name) ?? [];
  if (resources.length === 0) return undefined;
  return resources.map((resource) => (resource.class === "" ? "image" : resource.class));
}

const TAGS_IGNORED = "tag parameters only apply to a push by digest; they were ignored";

/** The tags to set: the reference itself, or the `tag` parameters of a push by digest (end-7b). */
function tagsOf(exchange: Exchange, reference: Reference): readonly TagName[] {
  if (reference.kind === "tag") return [reference.tag];
  if (exchange.parameter("tag") === undefined) return [];
  const tags = [...new Set(exchange.query.getAll("tag"))].filter((tag) => tag !== "");
  if (tags.length > MAX_TAGS) {
    throw new ApiError("TAG_INVALID", { status: 414, message: `more than ${MAX_TAGS} tags in one push` });
  }
  return tags.map(parseTagName);
}

/** Reads the whole body. Throws MANIFEST_INVALID with status 413 above the limit (distribution-spec §Pushing Manifests). */
async function readBody(exchange: Exchange, limits: HttpLimits): Promise<SmallBody> {
  const { manifestsize: limit, manifesttimeout } = limits;
  const tooLargeHere = (): ApiError => tooLarge(limit);
  if ((exchange.bodyLength ?? 0) > limit) throw tooLargeHere();
  return readSmallBody(exchange.body(manifesttimeout), {
    limit,
    tooLarge: tooLargeHere,
    budget: exchange.shared.manifestBudget,
  });
}

function tooLarge(limit: number): ApiError {
  return new ApiError("MANIFEST_INVALID", {
    status: 413,
    detail: `http: request body too large: the limit is ${limit} bytes`,
  });
}
