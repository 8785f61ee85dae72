import type { DockerAuth } from "./grammar.js";
import type { Report } from "./report.js";

type Section = Readonly<Record<string, unknown>>;

/** Logins of people in a browser. */
export interface Logins {
  /** `tokenserver.login`; undefined if the file has none. */
  readonly login: Section | undefined;
  /** A folder that the file already has people's tokens in, or beside which they can be kept. */
  readonly state: string | undefined;
}

const PROVIDERS = ["google_auth", "github_auth", "oidc_auth", "gitlab_auth"] as const;

/** What providers are asked within. */
const PATIENCE = 10_000;

/** `google_auth`, `github_auth`, `oidc_auth` and `gitlab_auth`. What can't be taken over is reported. */
export function loginsOf(document: DockerAuth, report: Report): Logins {
  const { google_auth: google, github_auth: github, oidc_auth: oidc, gitlab_auth: gitlab, users = {} } = document;
  const configured = PROVIDERS.flatMap((name) => document[name] ?? []);
  if (configured.length === 0) return { login: undefined, state: undefined };
  for (const name of PROVIDERS) checkClient(name, document[name], report);
  checkProviders(document, report);
  const databases = configured.flatMap(({ level_token_db: database }) => database?.path ?? []);
  return {
    state: databases[0] === undefined ? undefined : `${databases[0]}.longshore`,
    login: {
      // Redirect URIs that providers know stay as they are.
      dockerauthpaths: true,
      // An account of a provider mustn't become a user of this file.
      reserved: Object.keys(users).filter((name) => name !== ""),
      ...withoutUndefined({
        registry: [github, oidc, gitlab].flatMap((each) => each?.registry_url ?? [])[0],
        revalidate: revalidation(document),
        google: google && { ...clientOf(google), domains: [google.domain] },
        github: github && githubOf(github),
        openid: oidc && openIdOf(oidc),
        gitlab: gitlab && { ...clientOf(gitlab), ...withoutUndefined({ weburi: gitlab.gitlab_web_uri }) },
      }),
    },
  };
}

function checkClient(name: (typeof PROVIDERS)[number], client: DockerAuth[typeof name], report: Report): void {
  if (client === undefined) return;
  const { http_timeout = PATIENCE, client_secret, client_secret_file } = client;
  if (http_timeout !== PATIENCE)
    report.warning([name, "http_timeout"], "has no effect: providers are asked within 10 seconds");
  if (client_secret === undefined && client_secret_file === undefined)
    report.error([name], "client_secret or client_secret_file is missing");
}

function checkProviders(
  { google_auth: google, github_auth: github, gitlab_auth: gitlab }: DockerAuth,
  report: Report,
): void {
  if (google !== undefined && google.domain === undefined)
    report.error(["google_auth"], "domain is missing: everybody can have a Google account; name your organisation's");
  if (github !== undefined && github.organization === undefined)
    report.error(["github_auth"], "organization is missing: everybody can have a GitHub account; name yours");
  if (google !== undefined)
    report.warning(
      ["google_auth"],
      "add https://HOST/google_auth to the client's redirect URIs at Google, which docker_auth didn't need",
    );
  if (gitlab !== undefined)
    report.warning(["gitlab_auth"], "give the application at GitLab the scopes openid, profile and email");
}

/** The shortest one: providers here have it in common. */
function revalidation({ github_auth: github, gitlab_auth: gitlab }: DockerAuth): string | undefined {
  const times = [github?.revalidate_after, gitlab?.revalidate_after].filter((each) => each !== undefined);
  return times.length === 0 ? undefined : `${Math.min(...times)}ms`;
}

function githubOf(github: NonNullable<DockerAuth["github_auth"]>): Section {
  return {
    ...clientOf(github),
    organizations: [github.organization],
    prefix: "",
    ...withoutUndefined({ weburi: github.github_web_uri, apiuri: github.github_api_uri }),
  };
}

function openIdOf(oidc: NonNullable<DockerAuth["oidc_auth"]>): Section {
  const labels = [...oidc.label_claims, ...oidc.labels_claims];
  return {
    ...clientOf(oidc),
    issuer: oidc.issuer,
    scopes: oidc.scopes.length === 0 ? ["openid", "email"] : oidc.scopes,
    account: `\${${oidc.user_claim ?? "email"}}`,
    labels: Object.fromEntries(labels.map((claim) => [claim, [`\${${claim}}`]])),
  };
}

function withoutUndefined(section: Section): Section {
  return Object.fromEntries(Object.entries(section).filter(([, value]) => value !== undefined));
}

interface Client {
  readonly client_id: string;
  readonly client_secret?: string | undefined;
  readonly client_secret_file?: string | undefined;
}

/** A file counts first, as in docker_auth. */
function clientOf({ client_id: clientid, client_secret: clientsecret, client_secret_file: file }: Client): Section {
  return { clientid, ...(file === undefined ? { clientsecret } : { clientsecretfile: file }) };
}
