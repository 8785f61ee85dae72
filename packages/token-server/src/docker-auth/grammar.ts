import { z } from "zod";
import { duration, flag, optional, requiredText, text, texts, wholeNumber } from "./fields.js";

const program = z.strictObject({ command: requiredText, args: texts });

/** How to get along without a database of xorm. */
const NO_XORM =
  "databases of xorm aren't supported; keep users in users, ldap_auth or mongo_auth, and rules in acl or acl_mongo, or ask the database from an ext_auth or ext_authz program";

/** Keys that docker_auth knows and that can't be taken over, with what to do instead. */
export const REFUSED: Readonly<Record<string, string>> = {
  xorm_auth: NO_XORM,
  acl_xorm: NO_XORM,
  plugin_authn: "plugins compiled for Go can't be loaded; use a program, as ext_auth",
  plugin_authz: "plugins compiled for Go can't be loaded; use a program, as ext_authz",
  casbin_authz: "policies of casbin aren't supported; write them as acl, or use a program, as ext_authz",
};

const dialInfo = z.strictObject({
  addrs: texts.refine((list) => list.length > 0, "missing; name at least one server"),
  timeout: duration,
  database: requiredText,
  username: text,
  password: text,
  password_file: text,
  enable_tls: flag,
  source: text,
  mechanism: text,
  direct: flag,
  // It only says how often the former driver tried again.
  failfast: flag,
});

const label = z.strictObject({ attribute: requiredText, parse_cn: flag, lower_case: flag });

const ldap = z.strictObject({
  addr: requiredText,
  tls: optional(z.enum(["", "none", "always", "starttls"], 'must be none, always or starttls, or ""')),
  insecure_tls_skip_verify: flag,
  ca_certificate: text,
  base: requiredText,
  filter: requiredText,
  bind_dn: text,
  bind_password_file: text,
  initial_bind_as_user: flag,
  labels: optional(z.record(z.string(), label)),
});

/** Where docker_auth keeps what people log in with; only a folder has a meaning here. */
const tokenDatabases = {
  level_token_db: optional(z.strictObject({ path: requiredText, token_hash_cost: text })),
  gcs_token_db: optional(z.looseObject({})),
  redis_token_db: optional(z.looseObject({})),
};

const client = {
  client_id: requiredText,
  client_secret: text,
  client_secret_file: text,
  http_timeout: duration,
  ...tokenDatabases,
};

const google = z.strictObject({ ...client, domain: text });

const github = z.strictObject({
  ...client,
  organization: text,
  revalidate_after: duration,
  github_web_uri: text,
  github_api_uri: text,
  registry_url: text,
});

const oidc = z.strictObject({
  ...client,
  issuer: requiredText,
  redirect_url: requiredText.endsWith("/oidc_auth", "must end with /oidc_auth"),
  registry_url: text,
  user_claim: text,
  // The reference spells it one way, and the program reads the other.
  label_claims: texts,
  labels_claims: texts,
  scopes: texts,
});

const gitlab = z.strictObject({
  ...client,
  // docker_auth reads it and does nothing with it.
  organization: text.refine(
    (value) => value === undefined,
    "isn't looked at by docker_auth, so that everybody is admitted; remove it, and write rules",
  ),
  revalidate_after: duration,
  gitlab_web_uri: text,
  gitlab_api_uri: text,
  registry_url: text,
  grant_type: text.refine(
    (value) => value === undefined || value === "authorization_code",
    "must be authorization_code",
  ),
  redirect_uri: text.refine(
    (value) => value === undefined || value.endsWith("/gitlab_auth"),
    "must end with /gitlab_auth",
  ),
});

const user = z.strictObject({
  password: optional(z.string("must be a bcrypt hash")),
  labels: optional(z.record(z.string(), texts)),
});

const server = z.strictObject({
  addr: requiredText,
  net: optional(z.enum(["", "tcp", "unix"], "must be tcp or unix")),
  path_prefix: text.refine((value) => value === undefined || value.startsWith("/"), "must begin with a slash"),
  certificate: text,
  key: text,
  hsts: flag,
  tls_min_version: text,
  tls_curve_preferences: texts,
  tls_cipher_suites: texts,
  letsencrypt: optional(z.strictObject({ email: text, host: text, cache_dir: text })),
  real_ip_header: text,
  real_ip_pos: optional(wholeNumber),
});

const token = z.strictObject({
  issuer: requiredText,
  expiration: wholeNumber.refine((seconds) => seconds > 0, "must be a positive number of seconds"),
  certificate: text,
  key: text,
  disable_legacy_key_id: flag,
});

/** What of docker_auth's grammar is taken over. */
export const DOCUMENT = z.strictObject({
  server,
  token,
  users: optional(z.record(z.string(), user.nullable())),
  // Its entries are checked as rules are: an unknown key in a match is an error there.
  acl: optional(z.array(z.unknown(), "must be a list of rules")),
  google_auth: optional(google),
  github_auth: optional(github),
  oidc_auth: optional(oidc),
  gitlab_auth: optional(gitlab),
  ldap_auth: optional(ldap),
  mongo_auth: optional(z.strictObject({ dial_info: dialInfo, collection: requiredText })),
  acl_mongo: optional(z.strictObject({ dial_info: dialInfo, collection: requiredText, cache_ttl: duration })),
  ext_auth: optional(program),
  ext_authz: optional(program),
});

/** A docker_auth file. */
export type DockerAuth = z.output<typeof DOCUMENT>;
