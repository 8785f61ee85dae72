import { flag, list, object, optional, text, type Decoded } from "./decode.js";
import { ask, send } from "./http.js";

const way = object({
  kind: text,
  /** Of a provider: its name, what to call it, and where below the registry's address it is asked. */
  name: optional(text),
  title: optional(text),
  path: optional(text),
  /** The address of another server's tokens. */
  realm: optional(text),
});
/** A way to log in, as the registry's configuration has it. */
export type LoginWay = Decoded<typeof way>;

const session = object({
  account: optional(text),
  logins: list(way),
  anonymous: flag,
  rights: object({ catalog: flag, maintenance: flag, tokens: flag }),
  /** As it stands in an image's name; empty if it isn't known. */
  host: text,
  features: object({ deletion: flag, inventory: flag, maintenance: flag, tokens: flag }),
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
