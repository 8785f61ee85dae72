import { isStorageError } from "@longshore/storage";
import { ApiError } from "../../../errors/api-error.js";
import type { Exchange } from "../../exchange.js";
import type { Answer } from "../answers.js";
import { answer } from "./answer.js";
import { forMatchingTags } from "./matching-tags.js";

interface Query {
  readonly match: string;
  readonly dryrun: boolean | undefined;
  readonly last: string | undefined;
}

/** `DELETE /v2/<name>/_longshore/repository/tags`. */
export async function deleteTags(exchange: Exchange, { match, dryrun = false, last }: Query): Promise<void> {
  if (!exchange.shared.config.storage.delete.enabled) throw new ApiError("UNSUPPORTED");
  const { repository } = exchange;
  const ruleOf = exchange.shared.immutable(repository.name);
  const removed: Answer<"TagRemoval">["removed"][number][] = [];
  const kept: Answer<"TagRemoval">["kept"][number][] = [];
  const next = await forMatchingTags(exchange, repository, { match, last }, async (tag) => {
    try {
      const digest = await repository.tags.resolve(tag, exchange.call);
      const rule = ruleOf?.(tag);
      if (rule !== undefined) {
        kept.push({ tag, digest, reason: `immutable by the rule "${rule}"` });
        return;
      }
      // One that is moved meanwhile isn't the one that the client saw.
      if (!dryrun) await repository.tags.delete(tag, { only: digest });
      removed.push({ tag, digest });
    } catch (error) {
      if (!isStorageError(error, "TAG_UNKNOWN")) throw error;
    }
  });
  const more = next === undefined ? {} : { next };
  answer<"TagRemoval">(exchange, 200, { name: exchange.name, dryRun: dryrun, removed, kept, ...more });
}
