import { describeToken, documentOf, TokenWishError, type TokenWish } from "@longshore/token-server";
import { accountSources, isTokenServer } from "@longshore/token-server/configuration";
import type { Config } from "../../config/config.js";
import type { Invocation } from "../command.js";
import { UsageError } from "../flags.js";
import { withTokens, wordsOf } from "../personal-tokens.js";

/** Creates a personal access token, and prints it this once: alone on standard output, and what it is on standard error. */
export function createToken(invocation: Invocation): Promise<number> {
  const { flags, values, terminal } = invocation;
  return withTokens(invocation, async ({ config, store }) => {
    const problem = problemOf(config);
    if (problem !== undefined) {
      terminal.err(`${problem}\n`);
      return 1;
    }
    const { text, kept } = await store.create(describe(wishOf(values), config));
    if (flags.has("json")) {
      terminal.out(`${JSON.stringify({ ...documentOf(kept, undefined), token: text })}\n`);
      return 0;
    }
    terminal.out(`${text}\n`);
    const until = kept.expires === undefined ? "without an end" : `until ${new Date(kept.expires).toISOString()}`;
    terminal.err(`token ${kept.id} of ${kept.account}, good ${until}\n`);
    if (!kept.robot && kept.source === undefined)
      terminal.err(
        "no source is asked about this account: revoke the token when the account is removed, or name --source\n",
      );
    return 0;
  });
}

function wishOf(values: Invocation["values"]): TokenWish {
  const labels = new Map<string, string[]>();
  for (const word of wordsOf(values.get("label"))) {
    const at = word.indexOf("=");
    if (at <= 0)
      throw new UsageError(`invalid argument ${JSON.stringify(word)} for --label flag: write it as team=web`);
    const name = word.slice(0, at);
    labels.set(name, [...(labels.get(name) ?? []), word.slice(at + 1)]);
  }
  return {
    account: values.get("account"),
    robot: values.get("robot"),
    name: values.get("name"),
    scopes: wordsOf(values.get("scope")),
    expires: values.get("expires"),
    labels: Object.fromEntries(labels),
    source: values.get("source"),
  };
}

/** Why no registry with this configuration would take any token; undefined if one would. */
function problemOf({ auth }: Config): string | undefined {
  if (isTokenServer(auth) && auth.sources.some(({ kind }) => kind === "personal")) return undefined;
  return "the configuration takes no personal access tokens; add personal: {} to tokenserver";
}

/** What the operator wants isn't limited: `maxlifetime` is for what people create themselves. */
function describe(wish: TokenWish, { auth }: Config): ReturnType<typeof describeToken> {
  const sources = isTokenServer(auth) ? accountSources(auth.sources) : [];
  try {
    return describeToken(wish, { now: Date.now(), maxLifetime: 0, creator: "command line", sources });
  } catch (error) {
    if (error instanceof TokenWishError) throw new UsageError(error.message);
    throw error;
  }
}
