import type { RuleResource, RuleSubject } from "@longshore/auth";

/** What is wanted, as docker_auth spells it for programs that decide. */
export function externalQuestion(
  { account, labels, ip, service }: RuleSubject,
  { type, name, actions }: RuleResource,
): Readonly<Record<string, unknown>> {
  return {
    Account: account,
    Type: type,
    Name: name,
    Service: service,
    IP: ip ?? "",
    Actions: actions,
    Labels: Object.fromEntries(labels),
  };
}
