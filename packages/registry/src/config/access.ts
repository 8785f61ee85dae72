import {
  chooseAccess,
  compileRules,
  findDeadRules,
  findPoorerUsers,
  isAuthError,
  isChosenAuth,
  type ChosenAccess,
} from "@longshore/auth";
import { chooseTokenServer, isTokenServer } from "@longshore/token-server/configuration";
import { RULED_SECTIONS } from "./schema/auth.js";
import type { ParsedConfig } from "./schema/root.js";
import type { Path, Report } from "@longshore/options/report";

/** Reads the sections `auth` and `access`, and checks them against each other and the sections they depend on. */
export function accessConfig(parsed: ParsedConfig, report: Report) {
  const auth = chooseAuth(parsed, report);
  for (const { severity, path, message } of auth.remarks) report[severity]([auth.section, ...path], message);
  checkRules(parsed.access, auth, report);
  warnOfDeadRules(parsed.access, auth, report);
  checkCertificates(parsed, auth, report);
  checkAnonymous(parsed, report);
  return { auth, access: parsed.access.length === 0 ? undefined : parsed.access };
}

function chooseAuth({ auth, access, tokenserver }: ParsedConfig, report: Report): ChosenAccess {
  const sections = Object.values<unknown>(auth ?? {}).filter(isChosenAuth);
  if (tokenserver === undefined) return chooseAccess(sections);
  if (sections.length > 0) {
    const message = "not together with tokenserver, whose tokens this registry takes; remove one of the two";
    report.error(["auth"], message);
  }
  return chooseTokenServer(tokenserver, access.length > 0);
}

/** Compiles each rule separately, so that all invalid ones are reported at once. */
function checkRules(rules: ParsedConfig["access"], auth: ChosenAccess, report: Report): void {
  if (rules.length === 0) return;
  if (auth.withoutRules !== undefined) {
    const remedy = `set ${RULED_SECTIONS.join(" or ")}, or remove the rules`;
    report.error(["access"], `rules have no effect here: ${auth.withoutRules}; ${remedy}`);
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

/** Warns of rules that can never decide: they were meant to do something. */
function warnOfDeadRules(rules: ParsedConfig["access"], auth: ChosenAccess, report: Report): void {
  const labels = isTokenServer(auth) ? auth.labels : undefined;
  try {
    for (const { entry, steps, reason } of findDeadRules(rules, labels))
      report.warning(["access", entry, ...steps], reason);
  } catch (error) {
    // Already reported with its line.
    if (!isAuthError(error)) throw error;
  }
}

/** A shorter secret could be found by brute force. */
const SHORTEST_SECRET = 16;

/** From Distribution's sample configurations. */
const PUBLISHED_SECRETS: readonly string[] = ["asecretforlocaldevelopment"];

/**
 * Checks the consequences of rules for anonymous users: as in docker_auth, rules without an account then apply to them too;
 * and anyone can get a token and try to guess the secret that signed it.
 */
function checkAnonymous({ access, http, tokenserver }: ParsedConfig, report: Report): void {
  const rules = usableRules(access, tokenserver?.anonymousrules);
  if (rules?.admitsAnonymous !== true) return;
  // Then it says so itself.
  for (const index of tokenserver?.anonymousrules === true ? [] : rules.opened) {
    const message =
      'also applies to anonymous users, because another rule names them; write account: "/^.+$/" if it is meant for users only, and add a separate rule with account: "" if it is meant for anonymous users too';
    report.warning(["access", index], message);
  }
  for (const { entry, account, type, name, action } of findPoorerUsers(access, rules)) {
    const message = `grants ${action} of ${type} ${name} without a login, but not to a user who has logged in, such as ${account}; grant it to users too, for example with account: "*"`;
    report.warning(["access", entry], message);
  }
  // Its tokens are signed with keys of their own.
  if (tokenserver !== undefined) return;
  const secret = http.secret?.reveal() ?? "";
  const isWeak = secret.length < SHORTEST_SECRET || PUBLISHED_SECRETS.includes(secret);
  // If there is none a random one is generated.
  if (secret === "" || !isWeak) return;
  const message = `too easy to guess: with rules for anonymous users it signs tokens, and anyone who guesses it can impersonate every user; generate a random one of at least ${SHORTEST_SECRET} characters, for example with openssl rand -hex 32`;
  report.error(["http", "secret"], message);
}

function usableRules(
  entries: ParsedConfig["access"],
  anonymous: boolean | undefined,
): ReturnType<typeof compileRules> | undefined {
  try {
    return compileRules(entries, undefined, { anonymous });
  } catch (error) {
    // Already reported with its line.
    if (isAuthError(error)) return undefined;
    throw error;
  }
}

function checkCertificates({ http }: ParsedConfig, auth: ChosenAccess, report: Report): void {
  if (!auth.usesCertificates) return;
  if (http.tls.clientcas.length === 0) {
    report.error(["auth", "mtls"], "needs http.tls.clientcas: without it, clients aren't asked for a certificate");
    return;
  }
  const mode = http.tls.clientauth;
  if (mode === "request-client-cert" || mode === "require-any-client-cert") {
    const message = `found ${mode}; auth.mtls needs verify-client-cert-if-given or require-and-verify-client-cert, because an unverified certificate proves nothing`;
    report.error(["http", "tls", "clientauth"], message);
  }
}
