import { documentOf, type TokenDocument } from "@longshore/token-server";
import type { Invocation } from "../command.js";
import { withTokens } from "../personal-tokens.js";

const HEADING = ["ID", "ACCOUNT", "NAME", "CREATED", "EXPIRES", "LAST USED", "SCOPES"];

/** Lists personal access tokens: a line for each, or JSON. */
export function listTokens(invocation: Invocation): Promise<number> {
  const { flags, values, terminal } = invocation;
  return withTokens(invocation, async ({ store, lastUse }) => {
    const rows: string[][] = [];
    const damaged: string[] = [];
    for await (const { id, token } of store.list(values.get("account"))) {
      if (token === undefined) {
        damaged.push(id);
        continue;
      }
      const document = documentOf(token, await lastUse.read(token.id));
      if (flags.has("json")) terminal.out(`${JSON.stringify(document)}\n`);
      else rows.push(rowOf(document));
    }
    if (!flags.has("json")) terminal.out(formatTable([HEADING, ...rows]));
    for (const id of damaged) {
      terminal.err(`the record of token ${id} can't be read, and the token isn't good for anything: revoke it\n`);
    }
    return damaged.length > 0 ? 1 : 0;
  });
}

function rowOf(token: TokenDocument): string[] {
  return [
    token.id,
    token.account,
    token.name === "" ? "-" : token.name,
    token.created_at.slice(0, 10),
    token.expires_at?.slice(0, 10) ?? "never",
    token.last_used_at?.slice(0, 16).replace("T", " ") ?? "never",
    token.scopes?.join(" ") ?? "all",
  ];
}

function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = HEADING.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "));
  return lines.map((line) => `${line.trimEnd()}\n`).join("");
}
