import { boundedDuration, key, requiredText, text } from "@longshore/options/declare";
import { Secret } from "@longshore/options/secret";
import { z } from "zod";

const url = z
  .string()
  .regex(/^mongodb(?:\+srv)?:\/\/.+/)
  .transform((value) => new Secret(value));

/** How a collection is reached, for kinds to declare among their own options. */
export const connectionOptions = {
  url: key(url, {
    meaning:
      "The connection string, such as `mongodb://db1.example,db2.example/?replicaSet=rs0&tls=true`. It may contain the user and the password.",
    type: "text",
    allowed: "a string that begins with mongodb:// or mongodb+srv://",
    secret: true,
  }),
  username: text("The user, if `url` has none."),
  passwordfile: text("A file with the password of `username`, read at the start.", { file: "read" }),
  ca: text("PEM file with the authorities that sign the servers' certificates.", {
    file: "read",
    fallback: "the system's authorities",
  }),
  database: requiredText("The database."),
  collection: requiredText("The collection."),
  connecttimeout: boundedDuration(
    "5s",
    { min: 100, max: 60_000 },
    "How long it may take to find a server that answers.",
  ),
};

/** Parsed {@link connectionOptions}; times in milliseconds. */
export type ConnectionOptions = z.output<z.ZodObject<typeof connectionOptions>>;
