import { ask, placeRegistry, send } from "./http.js";
import { session, type Session } from "./session-document.js";

export type { LoginWay, Session } from "./session-document.js";

const PATH = "_console/session";

/** Who is looking; from then on requests find the registry, wherever the page is. */
export async function readSession(signal?: AbortSignal): Promise<Session> {
  const read = await ask(PATH, session, { signal });
  placeRegistry(read.root);
  return read;
}

/** Throws ApiFailure of the kind `login` if the registry doesn't know the account and password. */
export async function logIn(account: string, password: string): Promise<void> {
  await send(PATH, { method: "POST", body: { account, password } });
}

export async function logOut(): Promise<void> {
  await send(PATH, { method: "DELETE" });
}
