import { isAccountName, SIGNING_ALGORITHMS, type Identity } from "@longshore/auth";
import type { ExpectedIdToken } from "../id-token.js";
import { isTrustworthy, isUrl } from "../keys/key-address.js";
import { ClaimRuleError, compileClaims, findUnmet, isIdle, type ClaimCondition } from "./claim-rules.js";
import { compileTemplate, type ClaimTemplate } from "./claim-template.js";
import type { Claims } from "./claim-values.js";
import type { IssuerOptions, RuleOptions } from "./machine-options.js";
import { findStrangers } from "./shared-issuers.js";

/** Something wrong in an issuer's options, by its path within them. */
export interface IssuerProblem {
  readonly severity: "error" | "warning";
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Who a token is, by an issuer's rules; or why it is nobody, for the log. */
type Mapped = { readonly identity: Identity } | { readonly reason: string };

/** An issuer's options, compiled. */
export interface CompiledIssuer {
  readonly expected: ExpectedIdToken;
  /** Who the first rule that `claims` meet says that it is. */
  map(claims: Claims): Mapped;
}

interface CompiledRule {
  readonly conditions: readonly ClaimCondition[];
  readonly account: ClaimTemplate;
  readonly labels: readonly (readonly [string, readonly ClaimTemplate[]])[];
  readonly needsVerifiedEmail: boolean;
}

/** Compiles the options of one issuer, and lists everything that is wrong with them. */
export function compileIssuer(options: IssuerOptions): {
  readonly issuer: CompiledIssuer;
  readonly problems: readonly IssuerProblem[];
} {
  const problems = [...addressProblems(options), ...audienceProblems(options)];
  const rules = options.rules.flatMap((rule, index) => {
    const found = compileRule(rule, options.issuer);
    problems.push(...found.problems.map((each) => ({ ...each, path: ["rules", index, ...each.path] })));
    return found.rule ?? [];
  });
  if (options.rules.length === 0) {
    const message = "at least one rule is needed: without one, every token of the issuer would do";
    problems.push({ severity: "error", path: ["rules"], message });
  }
  const { issuer, audience: audiences, sharedaudience: sharedAudience, algorithms, leeway } = options;
  const expected = { issuer, audiences, sharedAudience, algorithms: algorithms ?? SIGNING_ALGORITHMS, leeway };
  return { issuer: { expected, map: (claims) => mapBy(rules, claims) }, problems };
}

function addressProblems({ issuer, jwks }: IssuerOptions): IssuerProblem[] {
  const check = (option: string, url: string): IssuerProblem[] => {
    if (!URL.canParse(url)) return [{ severity: "error", path: [option], message: "it is not a URL" }];
    if (isTrustworthy(new URL(url))) return [];
    const message = "it must begin with https://: without TLS, anyone on the network path could replace the keys";
    return [{ severity: "error", path: [option], message }];
  };
  if (jwks === undefined) return check("issuer", issuer);
  return isUrl(jwks) ? check("jwks", jwks) : [];
}

/** Audiences that an issuer gives to tokens which nobody asked to be for this registry. */
function audienceProblems({ issuer, audience, sharedaudience }: IssuerOptions): IssuerProblem[] {
  if (sharedaudience) return [];
  const shared = audience.find((name) => name === issuer || /^https:\/\/github\.com\/[^/]+\/?$/.test(name));
  if (shared === undefined) return [];
  const message = `${shared} is an audience that tokens have by default, so other services get them too; request tokens for an audience of this registry's own`;
  return [{ severity: "error", path: ["audience"], message }];
}

function compileRule(
  options: RuleOptions,
  issuer: string,
): { readonly rule?: CompiledRule; readonly problems: readonly IssuerProblem[] } {
  try {
    const conditions = compileClaims(options.claims, ["claims"]).map(({ path, patterns }) => ({
      path: path.slice(1),
      patterns,
    }));
    const account = template(options.account, ["account"]);
    const labels = Object.entries(options.labels).map(
      ([name, texts]) => [name, texts.map((text) => template(text, ["labels", name]))] as const,
    );
    const needsVerifiedEmail =
      account.claims.includes("email") || conditions.some(({ path }) => path.length === 1 && path[0] === "email");
    const problem = conditions.every(isIdle)
      ? "every token of the issuer meets this: give a pattern for sub, or for another claim that tells whose the token is"
      : findStrangers(issuer, conditions);
    const problems: IssuerProblem[] =
      problem === undefined ? [] : [{ severity: "error", path: ["claims"], message: problem }];
    return {
      rule: { conditions, account, labels, needsVerifiedEmail },
      problems: [...problems, ...accountProblems(account)],
    };
  } catch (error) {
    if (!(error instanceof ClaimRuleError)) throw error;
    return { problems: [{ severity: "error", path: error.path, message: error.message }] };
  }
}

/** Subjects are an issuer's own to give out; other claims are often names that people choose. */
function accountProblems({ prefix, claims }: ClaimTemplate): readonly IssuerProblem[] {
  const [first] = claims;
  if (prefix !== "" || first === undefined || first === "sub") return [];
  const message = `the account's name is whatever ${first} is, which may be the name of another source's account; put a prefix before it`;
  return [{ severity: "warning", path: ["account"], message }];
}

function template(text: string, path: readonly string[]): ClaimTemplate {
  try {
    return compileTemplate(text);
  } catch (error) {
    throw new ClaimRuleError(path, error instanceof Error ? error.message : "it can't be read");
  }
}

function mapBy(rules: readonly CompiledRule[], claims: Claims): Mapped {
  const unmet: string[] = [];
  for (const { conditions, account, labels, needsVerifiedEmail } of rules) {
    const missing = findUnmet(conditions, claims);
    if (missing !== undefined) {
      unmet.push(missing.path.join("."));
      continue;
    }
    if (needsVerifiedEmail && String(claims["email_verified"]) !== "true")
      return { reason: "its email is not verified" };
    const name = account.fill(claims);
    if (name === undefined || !isAccountName(name)) {
      return { reason: `it gives no account name: ${account.claims.join(", ")} must each have one value` };
    }
    const values = labels.map(
      ([label, templates]) => [label, templates.flatMap((each) => each.fillAll(claims))] as const,
    );
    return { identity: { account: name, labels: new Map(values.filter(([, texts]) => texts.length > 0)) } };
  }
  return { reason: `no rule admits it; the rules miss ${unmet.join(", ")}` };
}
