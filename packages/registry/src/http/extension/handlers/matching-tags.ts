import { compileWildcard, type Wildcard } from "@longshore/base/wildcard";
import type { Repository, TagName } from "@longshore/storage";
import { setImmediate } from "node:timers/promises";
import type { Exchange } from "../../exchange.js";
import { invalid } from "../operation.js";

/** Tags that are looked at for one answer: bounds its work and its size. A client goes on where it ended. */
const LOOKS = 10_000;
const PAGE = 500;

/** As long as a tag. With {@link WILDCARDS} it bounds what one comparison takes, since clients choose the pattern. */
const PATTERN_LENGTH = 128;
const WILDCARDS = 16;
/** Other requests get a turn after so many tags that aren't meant. */
const TURN = 50;

/** Which tags of a repository are meant. */
export interface TagChoice {
  /** `*` stands for any characters, `?` for one; undefined means all. */
  readonly match: string | undefined;
  /** Only those after this one. */
  readonly last: string | undefined;
}

/**
 * Calls `act` for each tag of `repository` that is meant, one after the other, until the client is gone. Resolves with where to go on;
 * undefined if that were all. Throws PARAMETER_INVALID, NAME_UNKNOWN, and what `act` throws.
 */
export async function forMatchingTags(
  exchange: Exchange,
  { tags }: Repository,
  { match, last }: TagChoice,
  act: (tag: TagName) => Promise<void>,
): Promise<string | undefined> {
  const pattern = match === undefined ? undefined : compile(match);
  let after = last;
  let skipped = 0;
  for (let looked = 0; looked < LOOKS; looked += PAGE) {
    const page = await tags.list({ after, limit: PAGE, signal: exchange.listSignal });
    for (const tag of page.items) {
      if (pattern?.matches(tag) === false) {
        skipped += 1;
        if (skipped % TURN === 0) await setImmediate();
        continue;
      }
      exchange.signal.throwIfAborted();
      await act(tag);
    }
    if (!page.more) return undefined;
    after = page.items.at(-1) ?? after;
  }
  return after;
}

function compile(pattern: string): Wildcard {
  const wildcards = pattern.match(/[*?]/g)?.length ?? 0;
  if (pattern.length > PATTERN_LENGTH || wildcards > WILDCARDS) {
    throw invalid(
      `match can't be used: it may have ${PATTERN_LENGTH} characters, and ${WILDCARDS} of them may be * or ?`,
    );
  }
  try {
    return compileWildcard(pattern);
  } catch (error) {
    throw invalid(`match can't be used: ${error instanceof Error ? error.message : "it is no pattern"}`);
  }
}
