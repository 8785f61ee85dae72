import { hash } from "node:crypto";
import { z } from "zod";
import type { Records } from "../../../contract.js";

/** What is kept of somebody who logged in at a provider. Times in milliseconds since 1970. */
const SESSION = z.object({
  version: z.literal(1),
  account: z.string().min(1),
  provider: z.string(),
  subject: z.string(),
  labels: z.record(z.string(), z.array(z.string())),
  /** Sealed; undefined: the provider gave nothing to ask again with. */
  renewal: z.string().optional(),
  /** When the provider last said that the account is as it stands here. */
  validated: z.number(),
  /** When a process began to ask the provider again: others leave it to that one for a while. */
  asking: z.number().optional(),
  /** The provider has ended it, or it is no longer allowed to log in. */
  ended: z.boolean().default(false),
});

/** Somebody who logged in at a provider. */
export type Session = z.output<typeof SESSION>;

/** A session with the version that a change compares. */
export interface KeptSession {
  readonly session: Session;
  readonly version: string;
}

const FOLDER = "token-server/logins";

/** The sessions of people, one for each account. Throws what {@link Records} throws. */
export interface SessionStore {
  read(account: string): Promise<KeptSession | undefined>;
  /** False if it has changed since it was read, or undefined if it was there already. */
  write(session: Session, version: string | undefined): Promise<boolean>;
}

/** The sessions in `records`, by digest: an account's name needn't be a record's. */
export function openSessionStore(records: Records): SessionStore {
  const nameOf = (account: string): string => `${FOLDER}/${hash("sha256", account, "hex")}`;
  return {
    async read(account) {
      const found = await records.read(nameOf(account));
      if (found === undefined) return undefined;
      const session = SESSION.parse(JSON.parse(Buffer.from(found.value).toString("utf8")));
      return session.account === account ? { session, version: found.version } : undefined;
    },
    write(session, version) {
      const value = Buffer.from(JSON.stringify(session));
      const name = nameOf(session.account);
      return version === undefined ? records.create(name, value) : records.replace(name, value, version);
    },
  };
}
