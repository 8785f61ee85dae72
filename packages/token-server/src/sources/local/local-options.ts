import { bcryptCost, isAccountName } from "@longshore/auth";
import { flag, key, optionalInteger, section, text, textList } from "@longshore/options/declare";
import { duration } from "@longshore/options/declare";
import { z } from "zod";

const hash = key(
  z.string().superRefine((value, context) => {
    if (bcryptCost(value) !== undefined) return;
    // The value itself isn't shown: it may be a password.
    const isDoubled = bcryptCost(value.replaceAll("$$", "$")) !== undefined;
    const message = isDoubled
      ? "this hash has $$ where $ belongs; only a Compose file needs the dollar signs doubled"
      : "this is not a bcrypt hash; write one with htpasswd -nB USER";
    context.addIssue({ code: "custom", message, params: { explained: true } });
  }),
  { meaning: "", type: "text", allowed: "a bcrypt hash", secret: true },
);

const user = section(
  {
    password: key(hash.optional(), {
      meaning: "The bcrypt hash of the password.",
      type: "text",
      allowed: "a bcrypt hash",
      secret: true,
    }),
    anypassword: flag(false, "Accepts every password, as docker_auth does for a user without one."),
    labels: key(z.record(z.string(), textList("")).default({}), {
      meaning: "What rules can ask for: lists of values by name. Values may be patterns, as in docker_auth.",
      type: "map of lists",
      allowed: "a map of names, each with a list of strings, such as groups: [backend]",
    }),
  },
  "",
  { unknownKeys: "error" },
);

/** `local`. */
export const localOptions = {
  users: key(z.record(z.string(), key(user.nullable(), { meaning: "", type: "map", allowed: "a map" })).default({}), {
    meaning: "Users by name. The user with the empty name stands for clients that don't log in; it has no password.",
    type: "map",
    allowed: "a map of user names, each with a password and labels",
    untyped: true,
  }),
  htpasswd: text("A file with more users, as `htpasswd -B` writes it. Changes take effect without a restart.", {
    file: "read",
  }),
  cachettl: duration("5m", "How long a verified password is remembered; changes take effect at once. 0: not at all."),
  workers: optionalInteger({ min: 1, max: 64 }, "Threads that verify passwords, in each process.", {
    fallback: "what the cores allow",
  }),
};

/** Parsed {@link localOptions}; times in milliseconds. */
export type LocalOptions = z.output<z.ZodObject<typeof localOptions>>;

/** Adds what no single option can tell. `report` takes the path below `local` and a message. */
export function checkUsers(
  { users, htpasswd }: Pick<LocalOptions, "users" | "htpasswd">,
  report: (path: readonly string[], message: string) => void,
): void {
  if (Object.keys(users).length === 0 && htpasswd === undefined)
    report(["users"], "there is neither a user nor an htpasswd file, so no one could log in");
  for (const [name, options] of Object.entries(users)) {
    const path = ["users", name];
    const hasPassword = options?.password !== undefined;
    if (name === "") {
      if (hasPassword) report(path, "the user with the empty name is who didn't log in and can't have a password");
      continue;
    }
    if (!isAccountName(name)) report(path, "the name is too long or has control characters");
    else if (hasPassword === (options?.anypassword === true))
      report(
        path,
        hasPassword
          ? "has a password and accepts every other one, too; remove password or anypassword"
          : "has no password; set password to a bcrypt hash (htpasswd -nB USER), or anypassword: true to accept every password",
      );
  }
}
