import type { RuleDecision } from "@longshore/auth";
import pLimit from "p-limit";
import { z } from "zod";
import type { RuleSource } from "../../contract.js";
import type { CallOptions } from "../../sources/hook/call-options.js";
import { hookUnavailable, openHookClient, type HookAnswer } from "../../sources/hook/hook-client.js";
import { externalQuestion } from "../external-question.js";

const NAME = "hookrules";

/** Decisions that may wait for their turn. */
const MOST_WAITING = 1000;

const ANSWER = z.object({ actions: z.array(z.string()) });

/** Decisions of an HTTP server, a request for each. Throws AuthError INVALID_OPTIONS if the file of authorities can't be used. */
export async function openHookRules(options: CallOptions): Promise<RuleSource> {
  const client = await openHookClient(NAME, options);
  const turn = pLimit(options.concurrency);
  return {
    name: NAME,
    async decide(subject, resource, signal) {
      if (turn.pendingCount >= MOST_WAITING) throw hookUnavailable(NAME, "too many decisions wait for it");
      const time = AbortSignal.timeout(options.timeout);
      const question = externalQuestion(subject, resource);
      try {
        const within = AbortSignal.any([signal, time]);
        const answer = await turn(() => client.post(question, within));
        return decisionOf(answer, resource.actions);
      } catch (error) {
        if (time.aborted && !signal.aborted)
          throw hookUnavailable(NAME, `it didn't answer within ${options.timeout} ms`, error);
        throw error;
      }
    },
    close: () => client.close(),
  };
}

function decisionOf({ status, body }: HookAnswer, wanted: readonly string[]): RuleDecision | undefined {
  switch (status) {
    case 200:
    case 204:
      return { actions: grantedOf(body, wanted), entry: 0 };
    case 403:
      return { actions: [], entry: 0 };
    case 404:
      return undefined;
    default:
      // Redirects, too: nobody but the configured server is asked, or shown its credentials.
      throw hookUnavailable(NAME, `it answered with status ${status}`);
  }
}

/** Without a body all that is wanted, as with a program that exits with 0. */
function grantedOf(body: string, wanted: readonly string[]): readonly string[] {
  if (body.trim() === "") return [...wanted].sort();
  const { data } = ANSWER.safeParse(parseJson(body));
  if (data === undefined)
    throw hookUnavailable(NAME, 'its answer is neither empty nor JSON such as {"actions": ["pull"]}');
  return wanted.filter((action) => data.actions.includes(action)).sort();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
