import type { Identity } from "../identities/contract.js";

/** Who wants something, and from where. */
export interface RuleSubject extends Identity {
  /** Undefined or unreadable: rules about addresses don't match. */
  readonly ip: string | undefined;
  /** The `service` that the client names or that the registry calls itself. */
  readonly service: string;
}

/** What they want of one resource: `repository:library/alpine:pull,push`. */
export interface RuleResource {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

/** What the list says, with the entry that said it, for the audit. */
export interface RuleDecision {
  /** Of the actions that were wanted, those that are granted; sorted. */
  readonly actions: readonly string[];
  /** The deciding entry's place in the list, from 0; undefined where none matched. */
  readonly entry: number | undefined;
}

/** A compiled list of rules. Pure: the same question has the same answer. */
export interface Rules {
  decide(subject: RuleSubject, resource: RuleResource): RuleDecision;
  /** The actions of {@link Rules.decide}. */
  granted(subject: RuleSubject, resource: RuleResource): readonly string[];
  /**
   * Whether the list grants something to those who don't log in: an entry with actions names them (`account: ""`, or
   * `anonymous` in the simple form). Else they get nothing, whatever matches them.
   */
  readonly admitsAnonymous: boolean;
  /**
   * Where {@link Rules.admitsAnonymous}: the places of entries with something to grant that are for those who don't log in,
   * too, and don't say so: without an account, or with a pattern that the empty name matches, such as `*`.
   */
  readonly opened: readonly number[];
}

/** What an entry asks for; what isn't there matches everything. */
export interface RuleMatch {
  readonly account?: string | undefined;
  readonly type?: string | undefined;
  readonly name?: string | undefined;
  readonly ip?: string | undefined;
  readonly service?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** An entry in docker_auth's grammar. */
export interface MatchEntry {
  readonly match: RuleMatch;
  /** `["*"]`: all that is wanted. Empty: nothing. */
  readonly actions: readonly string[];
  readonly comment?: string | undefined;
}

/**
 * The simple form. `name` is who: an account or a pattern of accounts; `anonymous` is whoever didn't log in, whom no other
 * name means, not even `*`. `type: repository` is every repository, or those that `repository` (a pattern) names;
 * `type: registry` is every repository and the catalog, which `pull` opens.
 */
export interface SimpleEntry {
  readonly name: string;
  readonly type: "registry" | "repository";
  readonly repository?: string | undefined;
  readonly action: readonly string[];
  readonly comment?: string | undefined;
}

/** An entry as it stands in the configuration. */
export type RuleEntry = MatchEntry | SimpleEntry;

/** Spells the place of a key of the list, given as its steps (`3, "match", "name"`), for people: `access[3].match.name`. */
export type RulePlace = (steps: readonly (string | number)[]) => string;
