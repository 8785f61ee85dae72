import type { Identity } from "../identities/identity.js";

/** Who asks, and from where. */
export interface RuleSubject extends Identity {
  /** Rules about addresses never match an address that is undefined or malformed. */
  readonly ip: string | undefined;
  /** The `service` that the client names, or the name of this registry. */
  readonly service: string;
}

/** The actions requested on one resource: `repository:library/alpine:pull,push`. */
export interface RuleResource {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

/** A decision, with the entry that made it for the audit log. */
export interface RuleDecision {
  /** The requested actions that are granted, sorted. */
  readonly actions: readonly string[];
  /** The index of the deciding entry in the list; undefined if none matched. */
  readonly entry: number | undefined;
  /**
   * Whether it is only what the simple form grants to `anonymous`, and no entry is about this user: a later list may grant more.
   */
  readonly isForEveryone?: boolean | undefined;
}

/** A compiled list of rules. Pure: the same question always has the same answer. */
export interface Rules {
  decide(subject: RuleSubject, resource: RuleResource): RuleDecision;
  /** The actions of {@link Rules.decide}. */
  granted(subject: RuleSubject, resource: RuleResource): readonly string[];
  /**
   * Whether the list grants something to anonymous clients: an entry with actions names them (`account: ""`, or `anonymous` in
   * the simple form). Otherwise they get nothing, whatever entries match them.
   */
  readonly admitsAnonymous: boolean;
  /** Whether decisions depend on the address: an entry matches by `ip`. */
  readonly readsAddress: boolean;
  /**
   * If {@link Rules.admitsAnonymous}: the indexes of entries that grant something to anonymous clients as well, without saying
   * so: those without an account, or with a pattern that matches the empty name, such as `*`.
   */
  readonly opened: readonly number[];
}

/** The conditions of an entry; a missing one matches everything. */
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
  /** `["*"]` grants everything that is requested; an empty list denies. */
  readonly actions: readonly string[];
  readonly comment?: string | undefined;
}

/**
 * The simple form. `name` is an account or a pattern of accounts. `anonymous` means everyone, with or without a login; no
 * other name, not even `*`, includes clients that didn't log in. `type: repository` means every repository, or those that
 * match the pattern `repository`; `type: registry` means every repository, the catalog, which `pull` grants, and the
 * registry's maintenance, which `*` grants.
 */
export interface SimpleEntry {
  readonly name: string;
  readonly type: "registry" | "repository";
  readonly repository?: string | undefined;
  readonly action: readonly string[];
  readonly comment?: string | undefined;
}

/** An entry as written in the configuration. */
export type RuleEntry = MatchEntry | SimpleEntry;

/** Formats the position of a key in the list for messages: the steps `3, "match", "name"` as `access[3].match.name`. */
export type RulePlace = (steps: readonly (string | number)[]) => string;
