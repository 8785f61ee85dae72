import { compileRules, type AuthLog, type Identity, type Records, type RuleResource } from "@longshore/auth";
import type { ChosenTokenServer } from "./choose-token-server.js";
import type { LoginContext, RuleSource, SourcePorts } from "./contract.js";
import { decide, type RuleAnswer } from "./rules/decide.js";
import { listedRules } from "./rules/inline-rules.js";
import { createSourceChain } from "./sources/chain/chain.js";

/** What is to be explained. */
export interface AccessQuestion {
  /** Empty: a client that doesn't log in. */
  readonly account: string;
  readonly resource: RuleResource;
  /** Labels in place of those that the sources know. */
  readonly labels: ReadonlyMap<string, readonly string[]> | undefined;
  readonly ip: string | undefined;
  readonly service: string | undefined;
}

/** Why somebody may do something, or not. */
export interface AccessExplanation {
  readonly identity: Identity;
  /** The source that knows the account; undefined if none does, or none can look accounts up. */
  readonly source: string | undefined;
  /** What each list of rules said, until one decided. */
  readonly rules: readonly RuleAnswer[];
  readonly granted: readonly string[];
}

/** What the surroundings of a token server are for an explanation. */
export interface ExplainPorts {
  readonly records: Records;
  readonly log: AuthLog;
  readonly secret: string;
  /** The list `access` of the configuration. */
  readonly access: unknown;
}

/** How long the sources may take together (ms). */
const PATIENCE = 30_000;

/**
 * Looks up an account and asks the rules as the endpoint does, and says which of them decided. Throws AuthError for sources and
 * rules that can't be used.
 */
export async function explainAccess(
  chosen: ChosenTokenServer,
  question: AccessQuestion,
  { records, log, secret, access }: ExplainPorts,
): Promise<AccessExplanation> {
  const service = question.service ?? chosen.service;
  const { anonymousRules } = chosen;
  const ports: SourcePorts = { records, log, secret, service: chosen.service, clock: Date.now, anonymousRules };
  const context: LoginContext = { remoteAddress: question.ip, service, signal: AbortSignal.timeout(PATIENCE) };
  const { identity, source } = await identify(chosen, question, ports, context);
  const rules: RuleSource[] = [];
  try {
    for (const each of chosen.rules) rules.push(await each.open(ports));
    if (chosen.accessAt !== undefined) {
      const list = compileRules(access, undefined, { anonymous: anonymousRules });
      rules.splice(
        chosen.accessAt,
        0,
        listedRules("access", () => list),
      );
    }
    const subject = { ...identity, ip: question.ip, service };
    const { answers, actions: granted } = await decide(rules, subject, question.resource, context.signal);
    return { identity, source, rules: answers, granted };
  } finally {
    await Promise.allSettled(rules.map((each) => each.close()));
  }
}

async function identify(
  chosen: ChosenTokenServer,
  { account, labels }: AccessQuestion,
  ports: SourcePorts,
  context: LoginContext,
): Promise<Pick<AccessExplanation, "identity" | "source">> {
  const unknown = { identity: { account, labels: labels ?? new Map<string, string[]>() }, source: undefined };
  if (labels !== undefined) return unknown;
  for (const each of chosen.sources) {
    const opened = await each.open(ports);
    const chain = createSourceChain([opened], { fallthrough: [], failuredelay: 0 });
    try {
      if (account === "") {
        if (opened.anonymous !== undefined) return { identity: opened.anonymous, source: opened.name };
        continue;
      }
      const found = await chain.lookup(opened.name, account, context);
      if (found !== undefined && found !== "unsupported") return { identity: found.identity, source: opened.name };
    } finally {
      await chain.close();
    }
  }
  return unknown;
}
