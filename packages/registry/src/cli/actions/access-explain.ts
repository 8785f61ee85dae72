import { explainAccess, type AccessExplanation } from "@longshore/token-server";
import { silentLog } from "../../observability/log.js";
import type { Invocation } from "../command.js";
import { UsageError } from "../flags.js";
import { withTokenServer } from "../open-token-server.js";

/** Says which rule decides whether an account may do something, and why. */
export function explainAccessTo(invocation: Invocation): Promise<number> {
  return withTokenServer(invocation, async ({ server, records, config }) => {
    const { values, terminal } = invocation;
    const repository = values.get("repository");
    const actions = (values.get("action") ?? (repository === undefined ? "*" : "pull")).split(",");
    const question = {
      account: values.get("account") ?? "",
      resource:
        repository === undefined
          ? { type: "registry", name: "catalog", actions }
          : { type: "repository", name: repository, actions },
      labels: labelsOf(values.get("label")),
      ip: values.get("ip"),
      service: values.get("service"),
    };
    const secret = config.http.secret?.reveal() ?? "";
    const ports = { records, log: silentLog, secret, access: config.access };
    const explanation = await explainAccess(server, question, ports);
    terminal.out(describe(explanation, question.resource));
    return actions.every((action) => explanation.granted.includes(action)) ? 0 : 2;
  });
}

function labelsOf(text: string | undefined): ReadonlyMap<string, readonly string[]> | undefined {
  if (text === undefined) return undefined;
  const at = text.indexOf("=");
  if (at <= 0)
    throw new UsageError(`invalid argument ${JSON.stringify(text)} for --label flag: allowed is key=value,value`);
  return new Map([[text.slice(0, at), text.slice(at + 1).split(",")]]);
}

function describe(
  { identity, source, rules, granted }: AccessExplanation,
  { type, name, actions }: { readonly type: string; readonly name: string; readonly actions: readonly string[] },
): string {
  const labels = [...identity.labels].map(([key, values]) => `${key}=${values.join(",")}`).join(" ");
  const who = identity.account === "" ? "a client that doesn't log in" : identity.account;
  const known = identity.account === "" || source !== undefined ? "" : " (no source has looked the account up)";
  const lines = [
    `account: ${who}${source === undefined ? known : `, known to ${source}`}${labels === "" ? "" : `, labels ${labels}`}`,
    ...rules.map(({ name: rule, entry, actions: found }) =>
      entry === undefined
        ? `${rule}: no entry matches`
        : `${rule}[${entry}]: matches, and grants ${found.length === 0 ? "nothing" : found.join(",")}`,
    ),
    `${type} ${name}: ${granted.length === 0 ? "nothing is granted" : `granted ${granted.join(",")}`} of ${actions.join(",")}`,
  ];
  return `${lines.join("\n")}\n`;
}
