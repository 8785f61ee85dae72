import { z } from "zod";
import { key, list, section, verbatimText } from "@longshore/options/declare";
import { inMarkdown, RULED_SECTIONS } from "./auth.js";

const STRICT = { unknownKeys: "error" } as const;

const actions = (meaning: string) =>
  key(z.union([z.array(z.string()), z.string()]).optional(), {
    meaning,
    type: "list of strings",
    allowed: 'a list of pull, push, delete or "*"',
  });

const match = section(
  {
    account: verbatimText('The user: a name, a glob or a `/regular expression/`; `""` means anonymous.'),
    type: verbatimText("The type of resource: `repository` or `registry`."),
    name: verbatimText("The resource. May contain `${account}` and `${labels:name}`."),
    ip: verbatimText("The client's address, or a network such as `10.0.0.0/8`."),
    service: verbatimText("The service."),
    labels: key(z.record(z.string(), z.string()).optional(), {
      meaning: "Labels of the user, each a pattern.",
      type: "map",
      allowed: "a map of strings",
    }),
  },
  "docker_auth's form: the conditions under which the entry decides a request. A condition that is left out always holds.",
  STRICT,
).optional();

const entry = section(
  {
    match,
    actions: actions('With `match`: the actions granted; `["*"]` grants all, `[]` none.'),
    name: verbatimText("The simple form: an account, a pattern, or `anonymous`."),
    type: verbatimText("With `name`: `repository`, or `registry` for every repository and the catalog."),
    repository: verbatimText("With `name`: the repositories; all if absent."),
    action: actions("With `name`: the actions granted."),
    comment: verbatimText("A comment, which is ignored."),
  },
  "A rule.",
  STRICT,
);

/** The section `access`. Whether each rule makes sense is checked when it is compiled. */
export const access = list(
  entry,
  `Who may do what in which repository, for ${inMarkdown(RULED_SECTIONS, " and ")}. The first entry that matches decides; if none matches, the request is denied. Without rules, every user may do everything. See [authentication](authentication.md).`,
  { ours: true, type: "list of maps", allowed: "a list of rules", aliases: ["acl", "acls", "rules", "permissions"] },
);
