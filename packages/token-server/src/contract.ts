import type {
  AuthLog,
  AuthPage,
  Clock,
  Identity,
  KeptLogin,
  LoginWay,
  PasswordCredentials,
  Records,
  RuleDecision,
  RuleResource,
  RuleSubject,
} from "@longshore/auth";
import type { Chosen, Kind, Remark } from "@longshore/options/kind";

export type { Records, StoredRecord } from "@longshore/auth";

/** What a source of identities found out about credentials. */
export type Login =
  | {
      readonly outcome: "identified";
      readonly identity: Identity;
      /** Whether a refresh token may be issued: not for credentials that end by themselves, such as a pipeline's ID token. */
      readonly renewable: boolean;
      /**
       * Of the actions that are wanted, those that these credentials are good for, whatever the rules grant: a personal access
       * token may be for less than its account. Undefined: for all.
       */
      readonly limit?: ((resource: RuleResource) => readonly string[]) | undefined;
      /** By what {@link IdentitySource.resume} knows these credentials again; it is no secret. Undefined: it doesn't. */
      readonly credential?: string | undefined;
    }
  /** The source doesn't have this account or can't read such a password: the next source is asked. */
  | { readonly outcome: "unknown" }
  /** The password is wrong: no other source is asked. `reason` is for the log, without the password. */
  | { readonly outcome: "failed"; readonly reason: string };

/** Who an earlier login is now. */
export interface ResumedLogin {
  readonly identity: Identity;
  /** As in {@link Login}. */
  readonly limit?: ((resource: RuleResource) => readonly string[]) | undefined;
  /** Undefined for anonymous clients. */
  readonly source: string | undefined;
}

/** An account as its source knows it now, without its password. */
export interface KnownAccount {
  readonly identity: Identity;
  /**
   * Changes with the account's password, tells nothing about it, and is the same in every process: refresh tokens end with
   * the password that they were issued for. Undefined if the source can't tell.
   */
  readonly stamp?: string | undefined;
}

/** What a source may know of a login beside the credentials. */
export interface LoginContext {
  /** The client's address, in front of trusted proxies; undefined where it isn't known. */
  readonly remoteAddress: string | undefined;
  /** The `service` that a token is requested for. */
  readonly service: string;
  /** Aborted when the client is gone or the source's time is up. */
  readonly signal: AbortSignal;
}

/** Verifies credentials: users in a file, a directory, an issuer of ID tokens. Decides nothing about what they may do. */
export interface IdentitySource {
  /** The name in the configuration: `ldap`, `local`. */
  readonly name: string;
  /** Who doesn't log in, if this source says what rules are to know of them; the first source that does decides. */
  readonly anonymous?: Identity | undefined;
  /**
   * Looks whether its files have changed, if it is time to, before anything is recalled. Whoever triggers the look waits for it;
   * undefined: nothing to wait for. Never rejects.
   */
  check?(): Promise<void> | undefined;
  /**
   * What is known of the credentials without any work, from an earlier login: then they need not wait for their turn. Undefined
   * if nothing is known.
   */
  recall?(credentials: PasswordCredentials): Login | undefined;
  /**
   * Told of credentials that it didn't know and a later source accepted: for a while, it may recall that it doesn't know these very
   * ones, without the work that hides which accounts exist.
   */
  passOver?(credentials: PasswordCredentials, context: LoginContext): void;
  /** What {@link lookup} would find, if that needs no work; undefined if it does. */
  recallAccount?(account: string): KnownAccount | undefined;
  /** Throws AuthError UNAVAILABLE if the source can't tell now. */
  verify(credentials: PasswordCredentials, context: LoginContext): Promise<Login>;
  /**
   * The account as it is now, without its password, for refresh tokens and personal access tokens; undefined if it no longer
   * exists or is disabled. A source that can't look accounts up has no such method: no refresh tokens are issued for its accounts, and
   * personal access tokens believe in them until they expire. Throws AuthError UNAVAILABLE.
   */
  lookup?(account: string, context: LoginContext): Promise<KnownAccount | undefined>;
  /**
   * Who credentials are that {@link verify} accepted earlier and named by `credential`: those that are good for less than their account.
   * Throws AuthError UNAVAILABLE.
   */
  resume?(credential: string, context: LoginContext): Promise<Login>;
  /** How people log in here with a browser, if not by a name and password. */
  readonly ways?: readonly LoginWay[] | undefined;
  /** Grants of the token endpoint that this source redeems, beside password and refresh token. */
  readonly grants?: readonly TokenGrant[] | undefined;
  /** Pages that this source serves: a login in a browser, an API. */
  readonly pages?: readonly AuthPage[] | undefined;
  /** Reads files again. Throws AuthError and keeps what it had if they are bad. */
  reload?(): Promise<void>;
  /** Releases connections, files and workers. Idempotent. */
  close(): Promise<void>;
}

/**
 * The token server as its own sources see it, for those that build on others: a personal access token is only as good as the
 * account that it stands for. Nothing of it may be called before every source is open.
 */
export interface TokenSite {
  /** The names of the sources that can have accounts, for those who name one. */
  readonly sources: readonly string[];
  /** Who these credentials are, by all sources in their order; `source` is the one that decided. Throws AuthError. */
  verify(
    credentials: PasswordCredentials,
    context: LoginContext,
  ): Promise<{ readonly login: Login; readonly source: string | undefined }>;
  /** Who an earlier login with a browser is now; undefined if it no longer holds. Throws AuthError UNAVAILABLE. */
  resume(login: KeptLogin, context: LoginContext): Promise<ResumedLogin | undefined>;
  /** The account as the source of this name knows it now. Throws AuthError UNAVAILABLE. */
  lookup(source: string, account: string, context: LoginContext): Promise<Identity | "unsupported" | undefined>;
  /** Of the actions that are wanted, those that the rules grant. Throws AuthError UNAVAILABLE. */
  granted(subject: RuleSubject, resource: RuleResource, signal: AbortSignal): Promise<readonly string[]>;
}

/** A grant type of the token endpoint (RFC 6749 §4.5), such as a token exchange (RFC 8693). */
export interface TokenGrant {
  /** The value of `grant_type`. */
  readonly type: string;
  /**
   * What the form proves. `extra` stands in the answer beside the token, such as `issued_token_type`. Throws AuthError
   * INVALID_REQUEST, and GRANT_REFUSED for the errors of RFC 6749 §5.2.
   */
  redeem(
    form: URLSearchParams,
    context: LoginContext,
  ): Promise<{ readonly login: Login; readonly extra?: Readonly<Record<string, string>> | undefined }>;
}

/** What a source or a list of rules is opened with. */
export interface SourcePorts {
  /** Undefined where a source stands alone, such as in a command. */
  readonly site?: TokenSite | undefined;
  readonly log: AuthLog;
  /** Where problems in files are reported; undefined means `log`. All workers read the same files, and one of them reports. */
  readonly fileLog?: AuthLog | undefined;
  readonly clock: Clock;
  readonly records: Records;
  /** `http.secret`: the same in every process and replica; keys are derived from it, and it is never used as a key itself. */
  readonly secret: string;
  /** What the registry calls itself in tokens. */
  readonly service: string;
  /** Whether rules apply to anonymous clients by what they match, whether or not one of the same list names them. */
  readonly anonymousRules: boolean;
}

/** What a source gets of this process; the chain of sources enforces it. Times in milliseconds. */
export interface SourceLimits {
  /** How long a login may take, including its wait in the queue. */
  readonly timeout: number;
  /** Logins that are verified at a time. */
  readonly concurrency: number;
  /** How long a successful login is remembered; 0: not at all. */
  readonly cachettl: number;
  /**
   * Failures in a row after which it isn't asked for a while, 5 by default; 0: it always is, since its failures are those of something
   * else that it asks, and of some accounts only.
   */
  readonly failures?: number | undefined;
}

/** An identity source that a configuration has chosen. */
export interface ChosenSource extends Chosen {
  /** The labels that its accounts may have; undefined: that can't be told before they log in. */
  readonly labels?: readonly string[] | undefined;
  /** By default 30 seconds, 64 logins at a time, and nothing is remembered. */
  readonly limits?: SourceLimits | undefined;
  /** Throws AuthError INVALID_OPTIONS if something that the options name can't be used. A server that is down is no reason. */
  open(ports: SourcePorts): Promise<IdentitySource>;
}

/** A kind of identity source: a folder below `sources/`, and a line in `sources/kinds.ts`. */
export type SourceKind = Kind<ChosenSource>;

/** Decides what an identity may do: docker_auth's `acl` in a file or a database, an external program, roles. */
export interface RuleSource {
  /** The name in the configuration and in the audit log. */
  readonly name: string;
  /**
   * The decision, with the entry that made it; undefined if no entry matches: the next source is asked. Throws AuthError
   * UNAVAILABLE if the source can't tell now; nothing is granted then.
   */
  decide(
    subject: RuleSubject,
    resource: RuleResource,
    signal: AbortSignal,
  ): Promise<RuleDecision | undefined> | RuleDecision | undefined;
  /** Reads files again. Throws AuthError and keeps what it had if they are bad. */
  reload?(): Promise<void>;
  close(): Promise<void>;
}

/** A source of rules that a configuration has chosen. */
export interface ChosenRules extends Chosen {
  /** The label by which it knows groups, and where it is used; undefined: it uses none, or that can't be told. */
  readonly groups?: { readonly label: string; readonly path: Remark["path"] } | undefined;
  open(ports: SourcePorts): Promise<RuleSource>;
}

/** A kind of rule source: a folder below `rules/`, and a line in `rules/kinds.ts`. */
export type RulesKind = Kind<ChosenRules>;
