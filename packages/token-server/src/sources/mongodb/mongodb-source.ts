import {
  AuthError,
  bcryptCost,
  compareEvenly,
  DEFAULT_COST,
  isAccountName,
  type Identity,
  type PasswordComparer,
} from "@longshore/auth";
import { createHash } from "node:crypto";
import { z } from "zod";
import type { IdentitySource, Login } from "../../contract.js";
import type { OpenCollection } from "../../mongodb/open-collection.js";
import { labelled } from "../label-answer.js";

/** A document of docker_auth's collection of users. */
const userDocument = z.object({
  username: z.string(),
  password: z.string().nullish(),
  labels: z.record(z.string(), z.array(z.string())).nullish(),
});

type UserDocument = z.output<typeof userDocument>;

/** What a source over a collection works with; it closes all of it. */
export interface MongodbParts {
  readonly users: OpenCollection;
  readonly comparer: PasswordComparer;
  readonly labelpatterns: boolean;
  /** Milliseconds that the server may take for a search. */
  readonly timeout: number;
}

const UNKNOWN: Login = { outcome: "unknown" };

/** Users in docker_auth's collection. */
export function createMongodbSource({ users, comparer, labelpatterns, timeout }: MongodbParts): IdentitySource {
  /** The highest cost that was seen: what a comparison for a user who doesn't exist takes. */
  let cost = DEFAULT_COST;

  async function find(account: string, signal: AbortSignal): Promise<UserDocument | undefined> {
    const found = await users.collection
      .find({ username: account }, { signal, maxTimeMS: timeout })
      .limit(2)
      .toArray()
      .catch((error: unknown) => {
        signal.throwIfAborted();
        throw unavailable(error instanceof Error ? error.name : "the search failed", error);
      });
    if (found.length > 1) throw unavailable(`several documents have the username ${account}; add a unique index`);
    if (found.length === 0) return undefined;
    const parsed = userDocument.safeParse(found[0]);
    if (parsed.success) return parsed.data;
    throw unavailable(`the document of ${account} is no user: ${parsed.error.issues[0]?.path.join(".") ?? ""}`);
  }

  function identityOf({ username, labels }: UserDocument): Identity {
    return labelled(username, new Map(Object.entries(labels ?? {})), labelpatterns);
  }

  async function isRight(password: string, hash: string | undefined, signal: AbortSignal): Promise<boolean> {
    cost = Math.max(cost, (hash === undefined ? undefined : bcryptCost(hash)) ?? 0);
    return compareEvenly(comparer, password, hash, cost, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      throw unavailable("passwords can't be compared now", error);
    });
  }

  return {
    name: "mongodb",
    async verify({ account, password }, { signal }) {
      if (!isAccountName(account) || password === "" || password.includes("\0")) return UNKNOWN;
      const user = await find(account, signal);
      const hash = user?.password ?? undefined;
      const usable = hash !== undefined && bcryptCost(hash) !== undefined ? hash : undefined;
      const right = await isRight(password, usable, signal);
      if (user === undefined) return UNKNOWN;
      // docker_auth accepts every password then.
      if (usable === undefined)
        return { outcome: "failed", reason: "the user's document has no bcrypt hash as password" };
      if (!right) return { outcome: "failed", reason: "wrong password" };
      return { outcome: "identified", identity: identityOf(user), renewable: true };
    },
    async lookup(account, { signal }) {
      const user = await find(account, signal);
      if (user === undefined) return undefined;
      const hash = user.password ?? undefined;
      const stamp =
        hash === undefined ? undefined : createHash("sha256").update(`${account}:${hash}`).digest("base64url");
      return { identity: identityOf(user), stamp };
    },
    async close() {
      await Promise.all([users.close(), comparer.close()]);
    },
  };
}

function unavailable(reason: string, cause?: unknown): AuthError {
  return new AuthError({ code: "UNAVAILABLE", reason: `mongodb: ${reason}` }, { cause });
}
