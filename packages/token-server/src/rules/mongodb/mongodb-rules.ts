import { AuthError, compileRules, isAuthError, type AuthLog, type Clock, type Rules } from "@longshore/auth";
import { abortable } from "@longshore/base/abort";
import { SECOND } from "@longshore/base/duration";
import type { Collection } from "mongodb";
import type { RuleSource } from "../../contract.js";

/** What rules in a collection work with. Times in milliseconds. */
export interface MongodbRulesParts {
  readonly collection: Collection;
  readonly close: () => Promise<void>;
  readonly log: AuthLog;
  readonly clock: Clock;
  readonly cachettl: number;
  /** How long the server may take. */
  readonly timeout: number;
  /** Whether rules apply to anonymous clients by what they match. */
  readonly anonymous: boolean;
}

/** Documents that are read; a list that is longer is refused. */
const MAX_RULES = 10_000;

/** After a failure, the next attempt comes so much later. */
const PAUSE = 5 * SECOND;

/** Rules that were read, and when. */
interface Known {
  readonly rules: Rules;
  readonly readAt: number;
}

/**
 * Rules in docker_auth's collection, in the order of `seq`. They are read as a whole when they are first needed, and again after
 * `cachettl`; while that fails, or if what is read can't be understood, the previous ones stay in use and the log says so.
 */
export function createMongodbRules(parts: MongodbRulesParts): RuleSource {
  const { collection, close, log, clock, cachettl, timeout, anonymous } = parts;
  let known: Known | undefined;
  let reading: Promise<Known> | undefined;
  let failedAt: number | undefined;
  let complaint: string | undefined;

  async function read(): Promise<Known> {
    const readAt = clock();
    const documents = await collection
      .find({}, { maxTimeMS: timeout, projection: { _id: 0, match: 1, actions: 1, comment: 1 } })
      .sort({ seq: 1 })
      .limit(MAX_RULES + 1)
      .toArray();
    if (documents.length > MAX_RULES) throw new Error(`there are more than ${MAX_RULES} rules`);
    return { rules: compileRules(documents, placeInCollection, { anonymous }), readAt };
  }

  async function refresh(): Promise<Known> {
    try {
      known = await read();
      failedAt = undefined;
      complaint = undefined;
      return known;
    } catch (error) {
      failedAt = clock();
      const reason = isAuthError(error) ? error.message : error instanceof Error ? error.name : "unknown fault";
      if (reason !== complaint) {
        const consequence = known === undefined ? "nothing is granted by them" : "the previous ones stay in use";
        log.error(`mongodbrules: the rules can't be read; ${consequence}`, { error: reason });
      }
      complaint = reason;
      throw new AuthError({ code: "UNAVAILABLE", reason: `mongodbrules: ${reason}` }, { cause: error });
    } finally {
      reading = undefined;
    }
  }

  function begin(): Promise<Known> {
    reading ??= refresh();
    return reading;
  }

  async function current(signal: AbortSignal): Promise<Rules> {
    const now = clock();
    const age = known === undefined ? Infinity : Math.abs(now - known.readAt);
    const isPaused = failedAt !== undefined && Math.abs(now - failedAt) < PAUSE;
    if (known === undefined) {
      if (isPaused)
        throw new AuthError({ code: "UNAVAILABLE", reason: "mongodbrules: the rules haven't been read yet" });
      return (await abortable(begin(), signal)).rules;
    }
    if (age < cachettl || isPaused) return known.rules;
    const next = begin();
    next.catch(() => undefined);
    // Rules that nobody has asked for in a while may be very old: those are waited for.
    if (age < 2 * cachettl) return known.rules;
    const { rules } = known;
    return abortable(
      next.then(
        (fresh) => fresh.rules,
        () => rules,
      ),
      signal,
    );
  }

  return {
    name: "mongodbrules",
    async decide(subject, resource, signal) {
      const decision = (await current(signal)).decide(subject, resource);
      return decision.entry === undefined ? undefined : decision;
    },
    async reload() {
      await begin();
    },
    close,
  };
}

/** `mongodbrules[3].match.name`, where 3 is the rule's place in the order of `seq`, from 0. */
function placeInCollection(steps: readonly (string | number)[]): string {
  return steps.reduce<string>(
    (text, step) => (typeof step === "number" ? `${text}[${step}]` : `${text}.${step}`),
    "mongodbrules",
  );
}
