import { Secret } from "@longshore/options/secret";
import { z } from "zod";
import { CredentialError, type Credentials } from "./credentials.js";

/** The user under which helpers hand out refresh tokens. */
const TOKEN_USER = "<token>";

const ANSWER = z.object({ Username: z.string(), Secret: z.string() });

/** What helpers say, with exit code 1, where they have nothing for a host. */
const NOT_FOUND = /credentials not found|no credentials server URL|not found in native keychain/i;

/** Reads what a helper printed. Throws {@link CredentialError} for nonsense, which is never repeated: it may hold a secret. */
export function parseHelperAnswer(text: string): Credentials | undefined {
  const answer = ANSWER.safeParse(parseJson(text));
  if (!answer.success) {
    throw new CredentialError('it printed something else than {"Username": …, "Secret": …}');
  }
  const { Username: user, Secret: secret } = answer.data;
  if (user === "" && secret === "") return undefined;
  if (user === TOKEN_USER) return { kind: "refresh-token", token: new Secret(secret) };
  return { kind: "password", user, password: new Secret(secret) };
}

/** Whether a helper that failed said no more than that it knows nothing. */
export function saysNotFound(text: string): boolean {
  return NOT_FOUND.test(text);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
