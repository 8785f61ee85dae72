import { ask, send } from "./http.js";
import { session, type Session } from "./session-document.js";

export type { LoginWay, Session } from "./session-document.js";

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
