import { anything, flag, list, object, optional, text, type Decoded } from "./decode.js";
import { ask, send } from "./http.js";

const session = object({
  account: optional(text),
  logins: list(anything),
  anonymous: flag,
  rights: anything,
  address: text,
  version: text,
});

/** Who is looking, and at which registry. */
export type Session = Decoded<typeof session>;

const PATH = "_console/session";

export function readSession(signal?: AbortSignal): Promise<Session> {
  return ask(PATH, session, { signal });
}

/** Throws ApiFailure of the kind `login` if the registry doesn't know the account and password. */
export async function logIn(account: string, password: string): Promise<void> {
  await send(PATH, { method: "POST", body: { account, password } });
}

export async function logOut(): Promise<void> {
  await send(PATH, { method: "DELETE" });
}
