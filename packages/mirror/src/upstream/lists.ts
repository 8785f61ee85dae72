import { isRepositoryName, isTagName } from "@longshore/storage";
import { MIB } from "@longshore/base/size";
import { z } from "zod";
import { readWhole } from "./body.js";
import type { Upstream, UpstreamPageRequest, UpstreamRequestKind } from "./contract.js";
import { UpstreamError } from "./errors.js";
import type { ApiOptions } from "./manifests.js";
import { nextQuery } from "./link.js";
import { CATALOG_SCOPE, pullScope } from "./scope.js";

/** Some registries give all tags in one answer (bytes). */
const MAX_LIST = 16 * MIB;

/** Distribution writes null for no tags. */
const TAGS = z.object({ tags: z.array(z.string()).nullish() });
const REPOSITORIES = z.object({ repositories: z.array(z.string()).nullish() });

/** Lists of an upstream. */
export interface ListApi {
  readonly tags: Upstream["tags"];
  readonly repositories: Upstream["repositories"];
}

export function createListApi({ host, exchange, timeout }: ApiOptions): ListApi {
  const fetchPage = async <T>(
    request: { kind: UpstreamRequestKind; path: string; scope: string; expect: number[]; missing: () => UpstreamError },
    schema: z.ZodType<T>,
    page: UpstreamPageRequest,
  ): Promise<{ readonly value: T; readonly next: string | undefined }> => {
    const { kind, path, scope, expect, missing } = request;
    const query = page.cursor ?? firstQuery(page);
    const answer = await exchange.send({
      kind,
      method: "GET",
      path: query === "" ? path : `${path}?${query}`,
      headers: { accept: "application/json" },
      scope,
      expect: [200, ...expect],
      signal: page.signal,
    });
    if (answer.status !== 200) {
      await answer.drop();
      throw missing();
    }
    const bytes = await readWhole(answer, { host, what: "list", limit: MAX_LIST, timeout });
    const parsed = schema.safeParse(parseJson(bytes));
    if (!parsed.success) throw new UpstreamError(host, { code: "INVALID_ANSWER", reason: `its ${kind} are no list` });
    const next = nextQuery(answer.headers["link"]);
    if (next !== undefined && next === query) {
      throw new UpstreamError(host, { code: "INVALID_ANSWER", reason: `its ${kind} never end` });
    }
    return { value: parsed.data, next };
  };

  return {
    async tags(name, page = {}) {
      const missing = (): UpstreamError => new UpstreamError(host, { code: "NOT_FOUND", what: "repository" });
      const path = `/v2/${name}/tags/list`;
      const request = { kind: "tags" as const, path, scope: pullScope(name), expect: [404], missing };
      const { value, next } = await fetchPage(request, TAGS, page);
      return { items: (value.tags ?? []).filter(isTagName), next };
    },
    async repositories(page = {}) {
      const missing = (): UpstreamError =>
        new UpstreamError(host, { code: "UNSUPPORTED", operation: "listing repositories" });
      const path = "/v2/_catalog";
      const request = { kind: "catalog" as const, path, scope: CATALOG_SCOPE, expect: [404, 405, 501], missing };
      const { value, next } = await fetchPage(request, REPOSITORIES, page);
      return { items: (value.repositories ?? []).filter(isRepositoryName), next };
    },
  };
}

function firstQuery({ after, limit }: UpstreamPageRequest): string {
  const query = new URLSearchParams();
  if (limit !== undefined) query.set("n", String(limit));
  if (after !== undefined) query.set("last", after);
  return query.toString();
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}
