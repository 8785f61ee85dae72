import type { Remark } from "@longshore/options/kind";
import type { GroupOptions } from "./groups.js";
import type { LdapOptions } from "./ldap-options.js";
import { findNameProblem } from "./names.js";
import type { ServerAddress } from "./open-socket.js";
import { isLoopback } from "../is-loopback.js";
import { accountAttributes, findFilterProblem } from "./template.js";

const ANY_MEMBER = "(|(member=${dn})(uniqueMember=${dn}))";

/** LDAP_MATCHING_RULE_IN_CHAIN ([MS-ADTS] §3.1.1.3.4.4.3); no other server has it. */
const IN_CHAIN = "(member:1.2.840.113556.1.4.1941:=${dn})";

/** How groups are found, with the defaults that depend on other options; undefined: not at all. */
export function groupsOf({ groups, base }: LdapOptions): (GroupOptions & { readonly label: string }) | undefined {
  if (groups === undefined) return undefined;
  const isChain = groups.nested === "chain";
  return {
    ...groups,
    from: isChain ? "search" : groups.from,
    base: groups.base ?? base,
    filter: groups.filter ?? (isChain ? IN_CHAIN : ANY_MEMBER),
  };
}

/** The servers of the option `urls`. */
export function addressesOf({ urls, starttls }: Pick<LdapOptions, "urls" | "starttls">): ServerAddress[] {
  return urls.map((text) => {
    const url = new URL(text);
    const isTls = url.protocol === "ldaps:";
    return {
      host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
      port: url.port === "" ? (isTls ? 636 : 389) : Number(url.port),
      security: isTls ? "ldaps" : starttls ? "starttls" : "none",
    };
  });
}

/** Reports what no option can tell alone, or what a schema can't. */
export function checkOptions(options: LdapOptions, report: (path: readonly string[], message: string) => void): void {
  const { filter, binddn, bindpassword, bindpasswordfile, userdn, account, groups } = options;
  const problem = findFilterProblem(filter, "account");
  if (problem !== undefined) report(["filter"], problem);
  else if (account === undefined && accountAttributes(filter).length === 0)
    report(["account"], "name the attribute that holds the account's name: `filter` compares none with ${account}");
  const userProblem = userdn === undefined ? undefined : findNameProblem(userdn);
  if (userProblem !== undefined) report(["userdn"], userProblem);
  const hasPassword = bindpassword !== undefined || bindpasswordfile !== undefined;
  if (binddn !== undefined && !hasPassword)
    report(["bindpassword"], "set bindpassword or bindpasswordfile: without a password a bind is anonymous");
  if (binddn === undefined && hasPassword)
    report(["binddn"], "whose password is it? Set binddn, or remove the password");
  if (bindpassword !== undefined && bindpasswordfile !== undefined)
    report(["bindpasswordfile"], "set bindpassword or bindpasswordfile, not both");
  if (options.insecureskipverify && options.ca !== undefined)
    report(["ca"], "has no effect with insecureskipverify; remove one of them");
  const groupProblem = groups?.filter === undefined ? undefined : findFilterProblem(groups.filter, "dn", ["account"]);
  if (groupProblem !== undefined) report(["groups", "filter"], groupProblem);
}

/** What is allowed and hardly meant. */
export function remarksOn(options: LdapOptions): Remark[] {
  const remarks: Remark[] = [];
  const warn = (path: string, message: string) => void remarks.push({ severity: "warning", path: [path], message });
  if (options.insecureskipverify)
    warn("insecureskipverify", "an attacker between this server and the directory can read passwords");
  const open = addressesOf(options).find(({ security, host }) => security === "none" && !isLoopback(host));
  if (open !== undefined)
    warn("starttls", `passwords are sent to ${open.host} in the clear; set starttls: true, or use an ldaps:// URL`);
  if (options.accountcase === "typed")
    warn("accountcase", "the directory ignores the case of names: a rule that denies bob isn't for Bob");
  return remarks;
}
