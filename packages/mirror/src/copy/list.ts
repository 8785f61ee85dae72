import type { RepositoryName, TagName } from "@longshore/storage";
import { readAllPages } from "../upstream/all-pages.js";
import type { UpstreamPage, UpstreamPageRequest } from "../upstream/contract.js";
import { CopyError, type CopyRequest } from "./contract.js";
import { patiently } from "./patient.js";

/** Names in one list: a source whose list never ends must end somewhere. */
const MAX_NAMES = 1_000_000;
/** Names asked for at once. */
const PAGE = 1000;

/** All repositories that the source lists. */
export function listRepositories(request: CopyRequest): Promise<readonly RepositoryName[]> {
  return listAll(request, (page) => request.source.repositories(page));
}

/** All tags that the source lists of a repository. */
export function listTags(request: CopyRequest, name: RepositoryName): Promise<readonly TagName[]> {
  return listAll(request, (page) => request.source.tags(name, page));
}

async function listAll<T>(
  { source, signal, observer }: CopyRequest,
  list: (page: UpstreamPageRequest) => Promise<UpstreamPage<T>>,
): Promise<readonly T[]> {
  const wait = (seconds: number, reason: string): void => observer?.waiting?.(seconds, reason);
  const all = await readAllPages({
    host: source.host,
    what: "names",
    page: (cursor) =>
      patiently(() => list({ signal, ...(cursor === undefined ? { limit: PAGE } : { cursor }) }), signal, wait),
    most: MAX_NAMES,
    tooMany: () => new CopyError(`${source.host} lists more than ${MAX_NAMES} names`),
  });
  return [...all];
}
