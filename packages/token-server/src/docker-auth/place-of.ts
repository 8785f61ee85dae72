import type { DockerAuth } from "./grammar.js";
import type { Place } from "./read-document.js";

/** Sections of the configuration, by the section of docker_auth's that they were made from. */
const SECTIONS: readonly (readonly [ours: readonly string[], theirs: readonly string[]])[] = [
  [["tokenserver", "local", "users"], ["users"]],
  [["tokenserver", "login", "google"], ["google_auth"]],
  [["tokenserver", "login", "github"], ["github_auth"]],
  [["tokenserver", "login", "openid"], ["oidc_auth"]],
  [["tokenserver", "login", "gitlab"], ["gitlab_auth"]],
  [["tokenserver", "program"], ["ext_auth"]],
  [["tokenserver", "programrules"], ["ext_authz"]],
  [["tokenserver", "ldap"], ["ldap_auth"]],
  [["tokenserver", "mongodb"], ["mongo_auth"]],
  [["tokenserver", "mongodbrules"], ["acl_mongo"]],
  [["tokenserver"], ["token"]],
  [["access"], ["acl"]],
  [
    ["http", "tls", "letsencrypt"],
    ["server", "letsencrypt"],
  ],
  [["http"], ["server"]],
];

/** Where a docker_auth file has what became the option at `path`. The last steps may be of ours. */
export function placeOf(path: Place, { token }: Pick<DockerAuth, "token">): Place {
  const [root, section, ...others] = path;
  if (root === "tokenserver" && section === "keys") return [token.key === undefined ? "server" : "token", ...others];
  for (const [ours, theirs] of SECTIONS) {
    if (ours.every((step, index) => path[index] === step)) return [...theirs, ...path.slice(ours.length)];
  }
  return path;
}
