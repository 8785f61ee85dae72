import { compileWildcard, type Wildcard } from "@longshore/base/wildcard";
import { isStorageError } from "@longshore/storage";
import { ApiError } from "../../../errors/api-error.js";
import type { Exchange } from "../../exchange.js";
import type { Answer } from "../answers.js";
import { invalid } from "../operation.js";
import { answer } from "./answer.js";

/** Tags that are looked at for one answer: bounds its work and its size. A client goes on where it ended. */
const LOOKS = 10_000;
const PAGE = 500;

interface Query {
  readonly match: string;
  readonly dryrun: boolean | undefined;
  readonly last: string | undefined;
}

/** `DELETE /v2/<name>/_longshore/repository/tags`. */
export async function deleteTags(exchange: Exchange, { match, dryrun = false, last }: Query): Promise<void> {
  if (!exchange.shared.config.storage.delete.enabled) throw new ApiError("UNSUPPORTED");
  const pattern = compile(match);
  const { tags } = exchange.repository;
  const removed: Answer<"TagRemoval">["removed"][number][] = [];
  const kept: Answer<"TagRemoval">["kept"][number][] = [];
  let after = last;
  let more = true;
  for (let looked = 0; more && looked < LOOKS; looked += PAGE) {
    const page = await tags.list({ after, limit: PAGE, signal: exchange.listSignal });
    for (const tag of page.items.filter((each) => pattern.matches(each))) {
      exchange.signal.throwIfAborted();
      try {
        const digest = await tags.resolve(tag, exchange.call);
        if (!dryrun) await tags.delete(tag);
        removed.push({ tag, digest });
      } catch (error) {
        if (isStorageError(error, "TAG_UNKNOWN")) continue;
        throw error;
      }
    }
    more = page.more;
    after = page.items.at(-1) ?? after;
  }
  const next = more && after !== undefined ? { next: after } : {};
  answer<"TagRemoval">(exchange, 200, { name: exchange.name, dryRun: dryrun, removed, kept, ...next });
}

function compile(pattern: string): Wildcard {
  try {
    return compileWildcard(pattern);
  } catch (error) {
    throw invalid(`match can't be used: ${error instanceof Error ? error.message : "it is no pattern"}`);
  }
}
