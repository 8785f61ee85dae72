import {
  copyTag,
  isStorageError,
  parseDigest,
  parseRepositoryName,
  parseTagName,
  StorageError,
  type Digest,
  type TagName,
} from "@longshore/storage";
import { ApiError } from "../../../errors/api-error.js";
import type { Exchange } from "../../exchange.js";
import type { Answer } from "../answers.js";
import { invalid } from "../operation.js";
import { answer } from "./answer.js";
import { forMatchingTags } from "./matching-tags.js";

interface Query {
  readonly from: string;
  readonly tag: string | undefined;
  readonly as: string | undefined;
  readonly match: string | undefined;
  readonly last: string | undefined;
  readonly dryrun: boolean | undefined;
}

/** `POST /v2/<name>/_longshore/repository/copies`. */
export function copyTags(exchange: Exchange, query: Query): Promise<void> {
  return copyAll(exchange, query, { before: () => undefined, after: () => Promise.resolve() });
}

/** `POST /v2/<name>/_longshore/repository/moves`. */
export async function moveTags(exchange: Exchange, query: Query): Promise<void> {
  if (!exchange.shared.config.storage.delete.enabled) throw new ApiError("UNSUPPORTED");
  const from = parseRepositoryName(query.from);
  if (from === exchange.repository.name && (query.as === undefined || query.as === query.tag)) {
    throw invalid("a move needs another repository, or another tag in `as`");
  }
  const ruleOf = exchange.shared.immutable(from);
  await copyAll(exchange, query, {
    // Before it is copied: a move that is refused changes nothing.
    before: (tag, digest) => {
      const rule = ruleOf?.(tag);
      if (rule === undefined) return;
      throw new StorageError({ code: "TAG_IMMUTABLE", name: from, tag, rule, digest, wanted: "delete" });
    },
    // One that is moved meanwhile isn't the one that was copied.
    after: async ({ tag, digest }) => {
      await exchange.registry.repository(from).tags.delete(parseTagName(tag), { only: parseDigest(digest) });
    },
  });
}

type Copied = Answer<"Copy">["tags"][number];

/** What is done with each tag besides the copy. */
interface Steps {
  /** Throws what refuses it; before a dry run says that it would be done, too. */
  readonly before: (tag: TagName, digest: Digest) => void;
  readonly after: (copied: Copied) => Promise<void>;
}

/** Copies each tag that is meant. */
async function copyAll(exchange: Exchange, query: Query, { before, after }: Steps): Promise<void> {
  const { registry, repository } = exchange;
  const { dryrun = false } = query;
  const from = parseRepositoryName(query.from);
  const as = query.as === undefined ? undefined : parseTagName(query.as);
  if (as !== undefined && query.tag === undefined) throw invalid("`as` names one tag: `tag` says which");
  const source = registry.repository(from);
  const tags: Copied[] = [];
  const kept: Answer<"Copy">["kept"][number][] = [];
  let manifests = 0;
  let blobs = 0;
  const act = async (tag: TagName): Promise<void> => {
    const places = { from, to: repository.name, tag, as };
    try {
      const found = await source.tags.resolve(tag, exchange.call);
      before(tag, found);
      if (dryrun) {
        tags.push({ tag, as: as ?? tag, digest: found });
        return;
      }
      const copied = await copyTag(registry, places, exchange.call);
      manifests += copied.manifests;
      blobs += copied.blobs;
      const item = { tag, as: as ?? tag, digest: copied.digest };
      await after(item);
      tags.push(item);
    } catch (error) {
      if (!isStorageError(error, "TAG_IMMUTABLE") || query.tag !== undefined) throw error;
      kept.push({ tag, reason: error.message });
    }
  };
  let next: string | undefined;
  if (query.tag === undefined) {
    next = await forMatchingTags(exchange, source, query, act);
  } else {
    await act(parseTagName(query.tag));
  }
  const counts = { manifests, blobs, ...(next === undefined ? {} : { next }) };
  answer<"Copy">(exchange, 200, { from, to: repository.name, dryRun: dryrun, tags, kept, ...counts });
}
