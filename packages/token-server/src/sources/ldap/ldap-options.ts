import {
  boundedDuration,
  choice,
  flag,
  integer,
  key,
  requiredText,
  secret,
  section,
  text,
  textOr,
  word,
} from "@longshore/options/declare";
import { z } from "zod";
import { limitOptions } from "../chain/chain-options.js";

const url = key(z.string().regex(/^ldaps?:\/\/(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?\/?$/), {
  meaning: "",
  type: "text",
  allowed: "a URL such as ldaps://ldap.example or ldap://ldap.example:389",
});

const attribute = (fallback: string, meaning: string) =>
  key(
    z
      .string()
      .regex(/^[A-Za-z][\w-]*$/)
      .default(fallback),
    {
      meaning,
      type: "text",
      allowed: "the name of an attribute",
      fallback,
    },
  );

const labelOptions = section(
  {
    attribute: requiredText("The attribute whose values become the label's."),
    parsecn: flag(false, "Values are DNs, of which the common name counts. Values without one are left out."),
    lowercase: flag(false, "Puts values into lower case."),
  },
  "",
  { unknownKeys: "error" },
);

const groupOptions = section(
  {
    label: textOr("groups", "The label that holds the names of groups."),
    from: choice(
      ["memberof", "search"],
      "memberof",
      "`memberof`: an attribute of the user's entry lists the groups. `search`: groups that list the user are searched, for directories without such an attribute.",
    ),
    attribute: attribute("memberOf", "The attribute that lists an entry's groups, with `from: memberof`."),
    base: text("Where groups are searched, with `from: search`.", { fallback: "base" }),
    filter: text("What finds the groups of an entry, with `from: search`; `${dn}` and `${account}` are inserted.", {
      fallback:
        "`(|(member=${dn})(uniqueMember=${dn}))`, with `nested: chain` `(member:1.2.840.113556.1.4.1941:=${dn})`",
    }),
    nested: choice(
      ["no", "walk", "chain"],
      "no",
      "Groups within groups. `walk` reads them level by level, in any directory. `chain` lets Active Directory do it (a matching rule that other servers don't have), and implies `from: search`.",
    ),
    depth: integer(8, { min: 1, max: 64 }, "Levels that `nested: walk` goes up."),
    limit: integer(
      1000,
      { min: 1, max: 100_000 },
      "The number of groups a user may be in; with more, the login fails.",
    ),
    name: choice(["cn", "dn"], "cn", "What groups are called in the label: by their common name or by their whole DN."),
  },
  "The groups of a user, as a label. Without this section there is none.",
  { unknownKeys: "error", untyped: true },
);

/** `ldap`. */
export const ldapOptions = {
  urls: key(z.array(url).min(1), {
    meaning:
      "The servers, in order of preference: while one is unreachable, the next is used. All must have the same entries.",
    type: "list of strings",
    allowed: "a list of URLs such as ldaps://ldap.example",
  }),
  starttls: flag(
    true,
    "Upgrades connections to `ldap://` servers to TLS before anything is sent. A server that refuses isn't used.",
  ),
  ca: text("PEM file with the authorities that sign the servers' certificates.", {
    file: "read",
    fallback: "the system's authorities",
  }),
  insecureskipverify: flag(false, "Accepts every certificate: an attacker in between can read all passwords."),
  base: requiredText("Where users are searched, with everything below: `ou=people,dc=example,dc=com`."),
  filter: textOr(
    "(uid=${account})",
    "The filter that finds a user's entry; `${account}` is replaced. Exactly one entry must match.",
  ),
  binddn: text("The account that searches. Without one, searches are anonymous or, with `userdn`, made as the user."),
  bindpassword: secret("The password of `binddn`."),
  bindpasswordfile: text("A file with the password of `binddn`, read at the start.", { file: "read" }),
  userdn: text(
    "Binds as the user before anything is searched, where accounts for searching aren't allowed: a DN such as `uid=${account},ou=people,dc=example,dc=com`, or `${account}@corp.example` for Active Directory. An unknown account then looks like a wrong password.",
  ),
  account: text("The attribute used as the account's name in rules and logs, however the user spelled it.", {
    fallback: "the attribute that `filter` compares with `${account}`",
  }),
  accountcase: word(
    ["stored", "lower", "typed"],
    "stored",
    "Directories ignore the case of names, and rules don't. `stored`: as the directory spells it. `lower`: in lower case. `typed`: as the user typed it, as in docker_auth: a rule that denies `bob` then doesn't apply to `Bob`.",
  ),
  labels: key(z.record(z.string(), labelOptions).default({}), {
    meaning: "Attributes of the user's entry that become labels, by the label's name.",
    type: "map",
    allowed: "a map of label names, each with an attribute",
    untyped: true,
  }),
  labelpatterns: flag(
    false,
    "Label values that rules insert (`${labels:K}`) are patterns, as in docker_auth, and not literal text. Anyone who can write the attribute chooses the pattern.",
  ),
  groups: groupOptions.optional(),
  connections: integer(4, { min: 1, max: 256 }, "Connections for searches, and as many for logins, in each process."),
  connecttimeout: boundedDuration(
    "3s",
    { min: 100, max: 60_000 },
    "How long a server may take to accept a connection, TLS included.",
  ),
  operationtimeout: boundedDuration(
    "5s",
    { min: 100, max: 60_000 },
    "How long a server may take to answer a bind or a page of a search.",
  ),
  ...limitOptions({ timeout: "15s", concurrency: 32, cachettl: "1m" }),
};

/** Parsed {@link ldapOptions}; times in milliseconds. */
export type LdapOptions = z.output<z.ZodObject<typeof ldapOptions>>;
