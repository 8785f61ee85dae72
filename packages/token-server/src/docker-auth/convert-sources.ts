import { parseAddress } from "@longshore/base/address";
import { MINUTE } from "@longshore/base/duration";
import type { DockerAuth } from "./grammar.js";
import type { Report } from "./report.js";

/** Sections of `tokenserver` by their names, in docker_auth's order. */
export type Sections = ReadonlyMap<string, Readonly<Record<string, unknown>>>;

/** What a file can't say about the machine that it is for. */
export interface Surroundings {
  /** The whole path of a program, which docker_auth also finds by `PATH`. */
  readonly findCommand: (command: string) => string;
  /** Where programs are started. */
  readonly folder: string;
}

type Program = NonNullable<DockerAuth["ext_auth"]>;
type Ldap = NonNullable<DockerAuth["ldap_auth"]>;
type MongoDb = NonNullable<DockerAuth["mongo_auth"]>;

/** `users`, `ext_auth`, `ldap_auth` and `mongo_auth`, and `login`, as sources of identities. */
export function sourcesOf(
  document: DockerAuth,
  report: Report,
  surroundings: Surroundings,
  login?: Readonly<Record<string, unknown>>,
): Sections {
  const { users, ext_auth, ldap_auth, mongo_auth } = document;
  const sections = new Map<string, Readonly<Record<string, unknown>>>();
  // By their form: what people log in with is shown to no other source.
  if (login !== undefined) sections.set("personal", {});
  if (users !== undefined && hasUsers(document)) sections.set("local", { users: usersOf(users, report) });
  if (ext_auth !== undefined) sections.set("program", { ...programOf(ext_auth, surroundings), labelpatterns: true });
  if (login !== undefined) sections.set("login", login);
  if (ldap_auth !== undefined) sections.set("ldap", ldapOf(ldap_auth, report));
  if (mongo_auth !== undefined) sections.set("mongodb", { ...collectionOf(mongo_auth), labelpatterns: true });
  return sections;
}

/** `acl_mongo` and `ext_authz`, as rules beside the list. */
export function rulesOf({ acl_mongo, ext_authz }: DockerAuth, surroundings: Surroundings): Sections {
  const sections = new Map<string, Readonly<Record<string, unknown>>>();
  if (acl_mongo !== undefined) {
    const age = Math.max(1000, acl_mongo.cache_ttl ?? MINUTE);
    sections.set("mongodbrules", { ...collectionOf(acl_mongo), cachettl: `${age}ms` });
  }
  if (ext_authz !== undefined) sections.set("programrules", programOf(ext_authz, surroundings));
  return sections;
}

const SOURCES = [
  "ext_auth",
  "google_auth",
  "github_auth",
  "oidc_auth",
  "gitlab_auth",
  "ldap_auth",
  "mongo_auth",
] as const;

/** Without other sources, a list without a user is one that denies everybody. */
function hasUsers({ users = {}, ...others }: DockerAuth): boolean {
  const isAlone = SOURCES.every((name) => others[name] === undefined);
  return isAlone || Object.entries(users).some(([name, user]) => user !== null && (name !== "" || user.labels));
}

function usersOf(users: NonNullable<DockerAuth["users"]>, report: Report): Readonly<Record<string, unknown>> {
  const found = new Map<string, Readonly<Record<string, unknown>>>();
  for (const [name, user] of Object.entries(users)) {
    const place = ["users", name];
    if (user === null) {
      report.warning(place, "is empty, so no one can log in as this user; write {} if every password is right");
      continue;
    }
    const { password, labels } = user;
    if (name === "") {
      if (password !== undefined)
        report.error(place, "the user without a name is who doesn't log in, and has no password");
      found.set(name, labels === undefined ? {} : { labels });
      continue;
    }
    const secret = password === undefined ? { anypassword: true } : { password };
    found.set(name, { ...secret, ...(labels === undefined ? {} : { labels }) });
  }
  if (found.size === 0) report.error(["users"], "there is nobody who could log in");
  return Object.fromEntries(found);
}

function programOf({ command, args }: Program, { findCommand, folder }: Surroundings) {
  return { command: findCommand(command), args, folder, environment: ["*"] };
}

function ldapOf(ldap: Ldap, report: Report): Readonly<Record<string, unknown>> {
  const { addr, tls = "", initial_bind_as_user: asUser, bind_dn, bind_password_file, labels = {} } = ldap;
  const address = parseAddress(addr);
  if (address === undefined) report.error(["ldap_auth", "addr"], "must be host:port, such as ldap.example.com:636");
  const isTls = tls === "always" || (tls === "" && addr.endsWith(":636"));
  const skip = ldap.insecure_tls_skip_verify;
  return {
    urls: [`${isTls ? "ldaps" : "ldap"}://${addr}`],
    starttls: tls === "starttls",
    insecureskipverify: skip,
    // docker_auth doesn't look at it then.
    ...(skip ? {} : { ca: ldap.ca_certificate }),
    base: ldap.base,
    filter: ldap.filter,
    // Rules were written for names as people type them.
    accountcase: "typed",
    ...(asUser ? { userdn: bind_dn } : { binddn: bind_dn, bindpasswordfile: bind_dn && bind_password_file }),
    labels: Object.fromEntries(
      Object.entries(labels).map(([name, { attribute, parse_cn: parsecn, lower_case: lowercase }]) => [
        name,
        { attribute, parsecn, lowercase },
      ]),
    ),
  };
}

/** No server takes longer to find. */
const LONGEST_CONNECT = MINUTE;

function collectionOf({ dial_info: info, collection }: MongoDb): Readonly<Record<string, unknown>> {
  const options = new URLSearchParams();
  if (info.enable_tls) options.set("tls", "true");
  if (info.direct) options.set("directConnection", "true");
  if (info.mechanism !== undefined) options.set("authMechanism", info.mechanism);
  if (info.username !== undefined) options.set("authSource", info.source ?? "admin");
  const { username, password, password_file: passwordfile } = info;
  const isInline = username !== undefined && password !== undefined && passwordfile === undefined;
  const login = isInline ? `${encodeURIComponent(username)}:${encodeURIComponent(password)}@` : "";
  const query = options.toString();
  return {
    url: `mongodb://${login}${info.addrs.join(",")}/${query === "" ? "" : `?${query}`}`,
    ...(isInline || username === undefined ? {} : { username, passwordfile }),
    database: info.database,
    collection,
    connecttimeout: `${Math.max(100, Math.min(LONGEST_CONNECT, info.timeout ?? 10_000))}ms`,
  };
}
