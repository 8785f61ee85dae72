import { compileRules, isAuthError, parseTokenOptions } from "@longshore/auth";
import { type AuthConfig, type Config } from "./config.js";
import { type Report } from "./report.js";
import { type ParsedConfig } from "./schema/root.js";
import { type Path } from "./yaml/tree.js";

/** The sections `auth` and `access`, checked against each other and against what they need of the others. */
export function accessConfig(parsed: ParsedConfig, report: Report): Pick<Config, "auth" | "access"> {
  const auth = authConfig(parsed.auth);
  checkRules(parsed.access, auth, report);
  checkCertificates(parsed, auth, report);
  if (auth.type === "token") checkToken(auth, report);
  checkAnonymous(parsed, report);
  return { auth, access: parsed.access.length === 0 ? undefined : parsed.access };
}

function authConfig(parsed: ParsedConfig["auth"]): AuthConfig {
  if (parsed?.htpasswd) return { type: "htpasswd", parameters: parsed.htpasswd, mtls: parsed.mtls ?? undefined };
  if (parsed?.token) return { type: "token", parameters: parsed.token, mtls: undefined };
  if (parsed?.silly) return { type: "silly", parameters: parsed.silly, mtls: undefined };
  if (parsed?.mtls) return { type: "mtls", parameters: parsed.mtls, mtls: undefined };
  return { type: "none", parameters: {}, mtls: undefined };
}

function checkToken({ parameters }: AuthConfig, report: Report): void {
  try {
    parseTokenOptions(parameters);
  } catch (error) {
    if (!isAuthError(error) || error.fault.code !== "INVALID_OPTIONS") throw error;
    const steps = error.fault.path.split(".").map((step) => (/^\d+$/.test(step) ? Number(step) : step));
    report.error(["auth", ...steps], error.fault.reason);
  }
}

/** Each rule on its own, so that every one that can't be understood is named at once. */
function checkRules(rules: ParsedConfig["access"], auth: AuthConfig, report: Report): void {
  if (rules.length === 0) return;
  if (auth.type !== "htpasswd" && auth.type !== "mtls") {
    const what =
      auth.type === "token" ? "with auth.token the authorization server decides" : "nobody is asked who they are";
    report.error(["access"], `rules have no effect here: ${what}; set auth.htpasswd or auth.mtls, or remove the rules`);
  }
  rules.forEach((rule, index) => {
    let place: Path = ["access", index];
    try {
      compileRules([rule], (steps) => {
        place = ["access", index, ...steps.slice(1)];
        return "";
      });
    } catch (error) {
      if (!isAuthError(error) || error.fault.code !== "INVALID_OPTIONS") throw error;
      report.error(place, error.fault.reason);
    }
  });
}

/** Below this a secret is found by trying. */
const SHORTEST_SECRET = 16;

/** From the original's sample configurations. */
const PUBLISHED_SECRETS: readonly string[] = ["asecretforlocaldevelopment"];

/**
 * What comes with rules for those who don't log in: rules that don't name them are for them, too, as in docker_auth; and
 * everybody gets a token, and can try secrets against it at leisure.
 */
function checkAnonymous({ access, http }: ParsedConfig, report: Report): void {
  const rules = usableRules(access);
  if (rules?.admitsAnonymous !== true) return;
  for (const index of rules.opened) {
    const message =
      'is for those who don\'t log in, too, since another rule names them; write account: "/^.+$/" where it is for users only, and account: "" in a rule of its own where it is for the others';
    report.warning(["access", index], message);
  }
  const secret = http.secret?.reveal() ?? "";
  const isWeak = secret.length < SHORTEST_SECRET || PUBLISHED_SECRETS.includes(secret);
  // Where there is none a random one is made.
  if (secret === "" || !isWeak) return;
  const message = `too easy to guess: with rules for anonymous it signs tokens, and who guesses it can be anybody; make a random one of at least ${SHORTEST_SECRET} characters, such as of openssl rand -hex 32`;
  report.error(["http", "secret"], message);
}

function usableRules(entries: ParsedConfig["access"]): ReturnType<typeof compileRules> | undefined {
  try {
    return compileRules(entries);
  } catch (error) {
    // Reported with its line already.
    if (isAuthError(error)) return undefined;
    throw error;
  }
}

function checkCertificates({ http }: ParsedConfig, auth: AuthConfig, report: Report): void {
  if (auth.type !== "mtls" && auth.mtls === undefined) return;
  if (http.tls.clientcas.length === 0) {
    report.error(["auth", "mtls"], "needs http.tls.clientcas: without them no client shows a certificate");
    return;
  }
  const mode = http.tls.clientauth ?? "require-and-verify-client-cert";
  if (mode === "request-client-cert" || mode === "require-any-client-cert") {
    const message = `found ${mode}; allowed with auth.mtls: verify-client-cert-if-given or require-and-verify-client-cert, since a certificate that nobody verified proves nothing`;
    report.error(["http", "tls", "clientauth"], message);
  }
}
