import { z } from "zod";
import { key, list, section, text } from "./kit.js";

const STRICT = { unknownKeys: "error" } as const;

const actions = (meaning: string) =>
  key(z.union([z.array(z.string()), z.string()]).optional(), {
    meaning,
    type: "list of texts",
    allowed: 'a list of pull, push, delete or "*"',
  });

const match = section(
  {
    account: text('Who: a name, a glob or `/regular expression/`; `""` is whoever didn\'t log in.'),
    type: text("Of what type: `repository` or `registry`."),
    name: text("Which resource. May hold `${account}` and `${labels:name}`."),
    ip: text("From where: an address or a network such as `10.0.0.0/8`."),
    service: text("Through which service."),
    labels: key(z.record(z.string(), z.string()).optional(), {
      meaning: "Labels of the identity, each a pattern.",
      type: "map",
      allowed: "a map of texts",
    }),
  },
  "docker_auth's form: what a request must be for the entry to decide; what is left out is anything.",
  STRICT,
).optional();

const entry = section(
  {
    match,
    actions: actions('With `match`: what is granted; `["*"]` is everything, `[]` nothing.'),
    name: text("The simple form: an account, a pattern, or `anonymous`."),
    type: text("With `name`: `repository`, or `registry` for every repository and the catalog."),
    repository: text("With `name`: which repositories; all where absent."),
    action: actions("With `name`: what is granted."),
    comment: text("For people."),
  },
  "A rule.",
  STRICT,
);

/** What `access:` may hold; whether each rule makes sense is for the rules themselves to say. */
export const access = list(
  entry,
  "Who may do what to which repository, for `auth.htpasswd` and `auth.mtls`: the first entry that matches decides, and what no " +
    "entry matches is denied. Without it every identity may do everything. See [authentication](authentication.md).",
  { ours: true, type: "list of maps", allowed: "a list of rules" },
);
