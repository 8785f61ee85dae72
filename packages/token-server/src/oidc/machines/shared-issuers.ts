import type { ClaimCondition } from "./claim-rules.js";

/** A claim that tells one customer of a shared issuer from the others, and what its patterns must begin with to name one. */
interface TenantClaim {
  readonly claim: string;
  /** Undefined: the whole value must be literal. */
  readonly prefix?: RegExp;
}

/** Issuers whose tokens anybody in the world can get: a rule must name whose it takes. */
const SHARED: Readonly<Record<string, readonly TenantClaim[]>> = {
  "https://token.actions.githubusercontent.com": [
    { claim: "sub", prefix: /^repo:[^/:]+\// },
    { claim: "repository", prefix: /^[^/]+\// },
    { claim: "repository_id" },
    { claim: "repository_owner" },
    { claim: "repository_owner_id" },
    { claim: "enterprise_id" },
  ],
  "https://gitlab.com": [
    { claim: "sub", prefix: /^project_path:[^/:]+\// },
    { claim: "project_path", prefix: /^[^/]+\// },
    { claim: "project_id" },
    { claim: "namespace_path" },
    { claim: "namespace_id" },
  ],
  "https://agent.buildkite.com": [
    { claim: "sub", prefix: /^organization:[^:]+:/ },
    { claim: "organization_id" },
    { claim: "organization_slug" },
  ],
  "https://app.terraform.io": [
    { claim: "sub", prefix: /^organization:[^:]+:/ },
    { claim: "terraform_organization_id" },
    { claim: "terraform_organization_name" },
  ],
  "https://accounts.google.com": [{ claim: "sub" }, { claim: "email" }, { claim: "hd" }],
};

/**
 * Why `conditions` would admit strangers from a shared issuer; undefined if they don't, or if the issuer isn't known to be
 * shared.
 */
export function findStrangers(issuer: string, conditions: readonly ClaimCondition[]): string | undefined {
  const tenants = SHARED[issuer.replace(/\/$/, "")];
  if (tenants === undefined || conditions.some((condition) => namesTenant(condition, tenants))) return undefined;
  const names = tenants.map(({ claim }) => claim).join(", ");
  return `anyone can get tokens from ${issuer}: restrict the rule to an owner, with a pattern that names the owner in full for one of ${names}`;
}

function namesTenant({ path, patterns }: ClaimCondition, tenants: readonly TenantClaim[]): boolean {
  const tenant = path.length === 1 ? tenants.find(({ claim }) => claim === path[0]) : undefined;
  if (tenant === undefined) return false;
  const { prefix } = tenant;
  return patterns.every((pattern) => (prefix === undefined ? pattern.isLiteral : prefix.test(pattern.prefix)));
}
