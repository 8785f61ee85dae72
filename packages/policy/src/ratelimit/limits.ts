import { createNetworks, networkOf } from "@longshore/base/network";
import type { Wildcard } from "@longshore/base/wildcard";
import { selectsRepository, type RepositorySelection } from "../patterns.js";
import type { LimitCounter, Take, Taken } from "./counter.js";
import type { ACTIONS } from "./options.js";

/** What a client does. */
export type ClientAction = (typeof ACTIONS)[number];

/** A rule of `policy.ratelimit`. */
interface LimitRule extends RepositorySelection {
  readonly name: string;
  readonly clients: "everyone" | "anonymous" | "accounts";
  readonly accounts: readonly Wildcard[];
  readonly exceptaccounts: readonly Wildcard[];
  readonly networks: readonly string[];
  readonly exceptnetworks: readonly string[];
  readonly actions: readonly ClientAction[];
  readonly per?: "account" | "token" | "address" | undefined;
  readonly count: "requests" | "pulls" | "bytes";
  readonly limit: number;
  /** ms */
  readonly window: number;
  readonly headers: boolean;
}

/** `policy.ratelimit`. */
export interface LimitOptions {
  readonly rules: readonly LimitRule[];
  readonly ipv4prefix: number;
  readonly ipv6prefix: number;
}

/** What is known of a request before anything is done for it. */
export interface LimitedRequest {
  /** Empty if the client didn't log in. */
  readonly account: string;
  /** The id of the personal access token that it logged in with; undefined if it has none. */
  readonly token?: string | undefined;
  /** Undefined on a unix socket. */
  readonly address: string | undefined;
  /** Empty if it concerns none. */
  readonly repository: string;
  readonly action: ClientAction;
  /** Whether it asks for a manifest: all of it, or its headers alone. */
  readonly manifest?: "get" | "head" | undefined;
}

/** A rule that a request meets, and where the client stands. */
export interface MetLimit extends Taken {
  readonly rule: LimitRule;
}

/** What the limits say of a request. */
export interface LimitVerdict {
  /** The rule that refuses it; undefined: it is allowed. */
  readonly refusal: MetLimit | undefined;
  /** The rule with the least left of those whose standing clients are told; undefined: there is none. */
  readonly shown: MetLimit | undefined;
  /** Counts the bytes that were sent and received for it; undefined if no rule counts them. */
  readonly ended: ((bytes: number) => void) | undefined;
}

/** Limits for each client. */
export interface ClientLimits {
  /** Counts a request. Undefined if no rule is for it. */
  meet(request: LimitedRequest): Promise<LimitVerdict> | LimitVerdict | undefined;
}

/** Applies the rules of `options`, and counts with `counter`. */
export function createClientLimits(options: LimitOptions, counter: LimitCounter): ClientLimits {
  const bits = { ipv4: options.ipv4prefix, ipv6: options.ipv6prefix };
  const rules = options.rules.map((rule, index) => ({
    rule,
    index,
    within: rule.networks.length === 0 ? () => true : createNetworks(rule.networks),
    outside: createNetworks(rule.exceptnetworks),
  }));
  return {
    meet(request) {
      const met = rules.flatMap(({ rule, index, within, outside }) => {
        if (!isFor(rule, request) || !within(request.address) || outside(request.address)) return [];
        const cost = costOf(rule, request);
        if (cost === undefined) return [];
        return [
          {
            rule,
            take: { key: `${index}${clientOf(rule, request, bits)}`, cost, limit: rule.limit, window: rule.window },
          },
        ];
      });
      if (met.length === 0) return undefined;
      const verdictOf = (taken: readonly Taken[]) => verdict(met, taken, counter);
      const taken = counter.take(met.map(({ take }) => take));
      return taken instanceof Promise ? taken.then(verdictOf) : verdictOf(taken);
    },
  };
}

interface Met {
  readonly rule: LimitRule;
  readonly take: Take;
}

function verdict(met: readonly Met[], taken: readonly Taken[], counter: LimitCounter): LimitVerdict {
  const limits = met.flatMap(({ rule }, index) => {
    const one = taken[index];
    return one === undefined ? [] : [{ rule, ...one }];
  });
  const refusals = limits.filter(({ allowed }) => !allowed).sort((one, other) => other.wait - one.wait);
  const shown = limits
    .filter(({ rule }) => rule.headers)
    .sort((one, other) => one.remaining / one.rule.limit - other.remaining / other.rule.limit);
  const bytes = met.filter(({ rule }) => rule.count === "bytes").map(({ take }) => take);
  const ended = (count: number): void => {
    if (count > 0) void counter.take(bytes.map((take) => ({ ...take, cost: count, due: true })));
  };
  return { refusal: refusals[0], shown: shown[0], ended: bytes.length === 0 ? undefined : ended };
}

function isFor(rule: LimitRule, { account, repository, action }: LimitedRequest): boolean {
  if (rule.clients !== "everyone" && (rule.clients === "anonymous") !== (account === "")) return false;
  if (account !== "" && !rule.accounts.some((each) => each.matches(account))) return false;
  if (rule.exceptaccounts.some((each) => each.matches(account))) return false;
  if (rule.actions.length > 0 && !rule.actions.includes(action)) return false;
  return selectsRepository(rule, repository);
}

/** What a request costs at once; undefined if the rule doesn't count it. */
function costOf(rule: LimitRule, { action, manifest }: LimitedRequest): number | undefined {
  switch (rule.count) {
    case "requests":
      return 1;
    case "bytes":
      return 0;
    case "pulls":
      if (action !== "pull" || manifest === undefined) return undefined;
      return manifest === "get" ? 1 : rule.headers ? 0 : undefined;
  }
}

function clientOf(
  rule: LimitRule,
  { account, token, address }: LimitedRequest,
  bits: { readonly ipv4: number; readonly ipv6: number },
): string {
  if (rule.per === "token" && token !== undefined) return `:token:${token}`;
  if (rule.per !== "address" && account !== "") return `:account:${account}`;
  if (address === undefined) return ":unix";
  return `:address:${networkOf(address, bits) ?? address}`;
}
