import { isNetwork } from "@longshore/base/network";
import {
  duration,
  flag,
  integer,
  key,
  list,
  optionalChoice,
  choice,
  requiredText,
  section,
} from "@longshore/options/declare";
import { z } from "zod";
import { patternList } from "../patterns.js";

const OURS = { ours: true };
const DAY = 24 * 60 * 60_000;

/** What a request does to a repository; a rule may be for some of them. */
export const ACTIONS = ["pull", "push", "delete"] as const;

const networks = (meaning: string) =>
  key(z.array(z.string().refine(isNetwork)).default([]), {
    meaning,
    type: "list of strings",
    allowed: "a list of addresses and networks such as 10.0.0.0/8",
    ...OURS,
  });

const rule = section(
  {
    name: requiredText("The rule's name, for messages and metrics.", OURS),
    clients: choice(
      ["everyone", "anonymous", "accounts"],
      "everyone",
      "Whom the rule is for: clients that didn't log in (`anonymous`), those that did (`accounts`), or both.",
      OURS,
    ),
    accounts: patternList("Accounts that the rule is for, if it is for accounts.", ["**"]),
    exceptaccounts: patternList("Accounts that the rule isn't for."),
    networks: networks("Networks of clients that the rule is for; all if empty."),
    exceptnetworks: networks("Networks of clients that the rule isn't for."),
    repositories: patternList("Repositories that the rule is for. Only `**` has requests that concern no repository.", [
      "**",
    ]),
    exceptrepositories: patternList("Repositories that the rule isn't for."),
    actions: key(z.array(z.enum(ACTIONS)).default([]), {
      meaning: "What the rule is for: `pull`, `push`, `delete`; all if empty.",
      type: "list of strings",
      allowed: `a list of ${ACTIONS.join(", ")}`,
      ...OURS,
    }),
    per: optionalChoice(
      ["account", "token", "address"],
      "What is counted apart: each account; each personal access token, and the accounts of clients that log in otherwise; or each address. By default each account, and the addresses of clients that didn't log in.",
      OURS,
    ),
    count: choice(
      ["requests", "pulls", "bytes"],
      "requests",
      "`requests`: every request. `pulls`: each `GET` of a manifest, as Docker Hub counts; a `HEAD` isn't counted. `bytes`: those of blobs and manifests that are sent or received; they are counted when a request ends, so that the last one may exceed the limit.",
      OURS,
    ),
    limit: integer(
      100,
      { min: 1, max: Number.MAX_SAFE_INTEGER },
      "How many in each window. So many are possible at once; then they come back evenly.",
      OURS,
    ),
    window: duration("1h", "The window.", { min: 1000, max: 31 * DAY, textOnly: true }, OURS),
    headers: flag(
      true,
      "Adds `RateLimit-Limit` and `RateLimit-Remaining` to what is counted, as Docker Hub does, and to a `HEAD` of a manifest if pulls are counted.",
      OURS,
    ),
  },
  "A rule.",
  OURS,
);

/** `policy.ratelimit`. */
export const rateLimitSection = section(
  {
    rules: list(rule, "Limits. All rules that are for a request count, and each of them can refuse it.", {
      type: "list of maps",
      ...OURS,
    }),
    maxclients: integer(
      100_000,
      { min: 100, max: 10_000_000 },
      "Clients that are remembered, for all rules together, at some 200 bytes each. The one that was seen longest ago is forgotten first, and begins anew.",
      OURS,
    ),
    ipv4prefix: integer(32, { min: 8, max: 32 }, "IPv4 addresses with the same first bits count as one client.", OURS),
    ipv6prefix: integer(
      64,
      { min: 16, max: 128 },
      "IPv6 addresses with the same first bits count as one client.",
      OURS,
    ),
  },
  "Limits for each client; see [policies](policies.md#limits-for-each-client).",
  OURS,
).prefault({});
