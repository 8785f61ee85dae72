import { ResultCodeError } from "ldapts";

/** What went wrong with a directory. */
export type FaultKind =
  /** The name or the password is wrong, or the account may not log in. */
  | "credentials"
  /** The server doesn't answer, breaks the connection or is busy: another one may do better. */
  | "server"
  /** The server answers, and refuses what the configuration makes us ask. */
  | "request";

/** A fault of a directory, in words for the log. */
export class DirectoryFault extends Error {
  override readonly name = "DirectoryFault";
  readonly kind: FaultKind;

  constructor(kind: FaultKind, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.kind = kind;
  }
}

/** Whether another server may do better. */
export function isServerFault(error: unknown): error is DirectoryFault {
  return error instanceof DirectoryFault && error.kind === "server";
}

/** Result codes of a bind that are about the account (RFC 4511 appendix A.2). */
const CREDENTIALS: ReadonlySet<number> = new Set([19, 32, 34, 48, 49, 50, 53]);

/** Time limit, busy, unavailable, and OpenLDAP's and Active Directory's `other`. */
const SERVER: ReadonlySet<number> = new Set([3, 51, 52, 80]);

/** What result codes mean here. Servers' own texts are kept out: they may quote entries. */
const MEANINGS: ReadonlyMap<number, string> = new Map([
  [3, "the search took longer than the server allows"],
  [4, "there are more results than the server gives out"],
  [7, "the server doesn't allow simple binds"],
  [8, "the server accepts binds over TLS only: set starttls or use ldaps://"],
  [
    10,
    "the server refers to another one, probably because the base DN isn't one of its own; referrals aren't followed",
  ],
  [11, "the search exceeds a limit of the server"],
  [13, "the server wants TLS: set starttls or use ldaps://"],
  [19, "the server's password policy refuses the login"],
  [32, "there is no such entry: check the base DN"],
  [34, "the server can't read a DN: check base, binddn and userdn"],
  [48, "the account has no password, or can't log in with one"],
  [49, "the name or the password is wrong"],
  [50, "the account may not do this"],
  [51, "the server is busy"],
  [52, "the server is shutting down"],
  [53, "the server refuses the login"],
]);

/** Active Directory's reasons for result 49, in its text as `data 52e`. */
const ACTIVE_DIRECTORY: ReadonlyMap<string, string> = new Map([
  ["525", "there is no such account"],
  ["52e", "the password is wrong"],
  ["530", "logins aren't allowed at this time"],
  ["531", "logins aren't allowed from this server"],
  ["532", "the password has expired"],
  ["533", "the account is disabled"],
  ["701", "the account has expired"],
  ["773", "the password must be changed first"],
  ["775", "the account is locked"],
]);

function meaningOf(error: ResultCodeError): string {
  const detail = ACTIVE_DIRECTORY.get(/\bdata ([0-9a-f]{3})\b/.exec(error.message)?.[1] ?? "");
  return detail ?? MEANINGS.get(error.code) ?? `the server answered with result ${error.code}`;
}

/** The fault that an operation of the library ended with. */
export function faultOf(operation: "bind" | "search", error: unknown): DirectoryFault {
  if (error instanceof DirectoryFault) return error;
  if (!(error instanceof ResultCodeError)) {
    const reason = error instanceof Error ? (error.message.split("\n").at(-1) ?? "") : "unknown fault";
    return new DirectoryFault("server", `${operation}: ${reason}`, { cause: error });
  }
  const isAboutAccount = operation === "bind" && CREDENTIALS.has(error.code);
  const kind = isAboutAccount ? "credentials" : SERVER.has(error.code) ? "server" : "request";
  return new DirectoryFault(kind, meaningOf(error), { cause: error });
}
