import { randomBytes } from "node:crypto";
import { AuthError, type Clock, type KeptLogin, type Records } from "@longshore/auth";
import { z } from "zod";
import { createSeal } from "./seal.js";

/** Logins that browsers keep. Throws AuthError UNAVAILABLE while the storage can't be asked. */
export interface Sessions {
  /** What the browser is to keep. Throws AuthError INVALID_REQUEST if it wouldn't keep so much. */
  begin(login: KeptLogin): Promise<string>;
  /** The login of a session that is ours, neither expired nor ended; undefined otherwise. */
  find(kept: string): Promise<KeptLogin | undefined>;
  /** From now on, no process or replica finds it. Idempotent. */
  end(kept: string): Promise<void>;
}

/** What {@link openSessions} works with. */
export interface SessionsOptions {
  readonly records: Records;
  /** `http.secret`. */
  readonly secret: string;
  /** Of a session (ms). */
  readonly lifetime: number;
  readonly clock: Clock;
}

const SESSION = z.object({
  id: z.string().regex(/^[0-9a-f]{32}$/),
  /** ms since 1970. */
  expires: z.int().min(0),
  login: z.object({
    account: z.string().min(1),
    source: z.string(),
    since: z.number().optional(),
    stamp: z.string().optional(),
    credential: z.string().optional(),
    labels: z.record(z.string(), z.array(z.string())).optional(),
  }),
});

type Session = Omit<z.output<typeof SESSION>, "login"> & { readonly login: KeptLogin };

/** Browsers refuse cookies over 4096 bytes with their name and attributes (RFC 6265bis §5.6). */
const MOST_KEPT = 3500;

const ENDED = "console/ended";

/** Sessions that expired meanwhile, whose end is forgotten when another one ends. */
const FORGOTTEN_AT_ONCE = 100;

/** Sessions that only the browser keeps, sealed; the storage keeps which of them were ended before they expired. */
export function openSessions({ records, secret, lifetime, clock }: SessionsOptions): Sessions {
  const seal = createSeal(records, secret);

  async function open(kept: string): Promise<Session | undefined> {
    const text = await seal.open(kept);
    const session: Session | undefined = text === undefined ? undefined : SESSION.safeParse(parseJson(text)).data;
    if (session === undefined) return undefined;
    // No clock may lengthen it, not even one that was wrong when it began.
    const left = session.expires - clock();
    return left > 0 && left <= lifetime ? session : undefined;
  }

  async function forgetExpired(): Promise<void> {
    const now = orderedTime(clock());
    let forgotten = 0;
    for await (const name of records.list(ENDED)) {
      const [time = ""] = name.slice(name.lastIndexOf("/") + 1).split("-", 1);
      if (time >= now || (forgotten += 1) > FORGOTTEN_AT_ONCE) return;
      await records.remove(name);
    }
  }

  return {
    begin: (login) =>
      available(async () => {
        const id = randomBytes(16).toString("hex");
        const kept = await seal.seal(JSON.stringify({ id, expires: clock() + lifetime, login } satisfies Session));
        if (kept.length <= MOST_KEPT) return kept;
        const reason = "the account has more labels than a browser keeps; log in with a personal access token";
        throw new AuthError({ code: "INVALID_REQUEST", reason });
      }),
    find: (kept) =>
      available(async () => {
        const session = await open(kept);
        if (session === undefined) return undefined;
        // Asked each time: a log-out holds everywhere as soon as it is answered.
        return (await records.read(endedName(session))) === undefined ? session.login : undefined;
      }),
    end: (kept) =>
      available(async () => {
        const session = await open(kept);
        if (session === undefined) return;
        await records.create(endedName(session), new Uint8Array());
        await forgetExpired();
      }),
  };
}

/** By the time at which it may be forgotten, so that these come first in lists. */
function endedName({ id, expires }: Session): string {
  return `${ENDED}/${orderedTime(expires)}-${id}`;
}

/** In the order of their times until the year 10889. */
function orderedTime(time: number): string {
  return Math.floor(time).toString(16).padStart(12, "0");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The storage's faults as AuthError UNAVAILABLE. */
async function available<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AuthError) throw error;
    const reason = `sessions can't be read or kept now: ${error instanceof Error ? error.message : "unknown fault"}`;
    throw new AuthError({ code: "UNAVAILABLE", reason }, { cause: error });
  }
}
