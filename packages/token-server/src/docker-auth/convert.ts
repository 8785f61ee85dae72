import { compileRules, isAuthError } from "@longshore/auth";
import type { z } from "zod";
import { loginsOf } from "./convert-logins.js";
import { httpOf, tokensOf } from "./convert-server.js";
import { rulesOf, sourcesOf, type Surroundings } from "./convert-sources.js";
import { DOCUMENT, REFUSED, type DockerAuth } from "./grammar.js";
import { readDocument, type Place } from "./read-document.js";
import { placeOf } from "./place-of.js";
import { formatPlace, type Report } from "./report.js";

/** Something about a file. */
export interface DockerAuthFinding {
  /** From 1. */
  readonly line: number;
  /** `acl[3].match.name: …`, what is wrong and what to do. */
  readonly message: string;
}

/** A configuration of ours that does what a docker_auth file says, or why there is none. */
export interface Conversion {
  /** `http`, `access` and `tokenserver`; undefined if there are problems. */
  readonly config: Readonly<Record<string, unknown>> | undefined;
  /** What can't be taken over. */
  readonly problems: readonly DockerAuthFinding[];
  /** What differs from docker_auth. */
  readonly warnings: readonly DockerAuthFinding[];
  /** Whether something is to be kept that a restart mustn't lose, and in which folder the file would have it. */
  readonly needsState: boolean;
  readonly state: string | undefined;
  /** Where the file has what became the option at `path` of the configuration. */
  readonly locate: (path: Place) => { readonly line: number; readonly place: Place };
}

/** A list without an entry denies everything, and the registry's own must have one. */
const DENY_ALL = [{ match: {}, actions: [] }];

/**
 * Converts docker_auth's `auth_config.yml`. Strict where docker_auth ignores what it doesn't know, since an ignored key may be the
 * one that protects something; what isn't supported is refused by name.
 */
export function convertDockerAuth(text: string, surroundings: Surroundings): Conversion {
  const document = readDocument(text);
  const nowhere = { config: undefined, needsState: false, state: undefined, locate: () => ({ line: 1, place: [] }) };
  if (!("value" in document)) return { ...nowhere, problems: document, warnings: [] };
  const problems: DockerAuthFinding[] = [];
  const warnings: DockerAuthFinding[] = [];
  const noteIn = (findings: DockerAuthFinding[]) => (place: Place, message: string) => {
    const path = formatPlace(place);
    findings.push({ line: document.lineOf(place), message: path === "" ? message : `${path}: ${message}` });
  };
  const report: Report = { error: noteIn(problems), warning: noteIn(warnings) };
  const parsed = DOCUMENT.safeParse(document.value ?? {});
  if (!parsed.success) {
    for (const issue of parsed.error.issues) reportIssue(issue, report);
    return { ...nowhere, problems, warnings };
  }
  checkAcl(parsed.data, report);
  const { login, state } = loginsOf(parsed.data, report);
  const config = configOf(parsed.data, report, surroundings, login);
  return {
    needsState: login !== undefined,
    state,
    config: problems.length > 0 ? undefined : config,
    problems,
    warnings,
    locate(path) {
      const place = placeOf(path, parsed.data);
      return { line: document.lineOf(place), place };
    },
  };
}

function reportIssue(issue: z.core.$ZodIssue, report: Report): void {
  const place = issue.path.map((step) => (typeof step === "number" ? step : String(step)));
  if (issue.code !== "unrecognized_keys") return void report.error(place, issue.message);
  for (const key of issue.keys) {
    const instead = place.length === 0 ? REFUSED[key] : undefined;
    report.error([...place, key], instead ?? "unknown key, which docker_auth ignores; remove it, or correct it");
  }
}

/** Each entry by itself, so that all faults are told at once. */
function checkAcl({ acl = [] }: DockerAuth, report: Report): void {
  acl.forEach((entry, index) => {
    let place: Place = ["acl", index];
    try {
      compileRules([entry], (steps) => {
        place = ["acl", index, ...steps.slice(1)];
        return "";
      });
    } catch (error) {
      if (!isAuthError(error) || error.fault.code !== "INVALID_OPTIONS") throw error;
      report.error(place, error.fault.reason);
    }
  });
}

function configOf(
  document: DockerAuth,
  report: Report,
  surroundings: Surroundings,
  login: Readonly<Record<string, unknown>> | undefined,
): Readonly<Record<string, unknown>> | undefined {
  const { acl } = document;
  // Beside other rules it decides nothing.
  const rules = rulesOf(document, surroundings);
  const list =
    acl === undefined || (acl.length === 0 && rules.size > 0) ? undefined : acl.length === 0 ? DENY_ALL : acl;
  const http = httpOf(document, report);
  const tokens = tokensOf(document, report);
  const sources = sourcesOf(document, report, surroundings, login);
  if (sources.size === 0) report.error([], "users: missing; no one could log in");
  if (acl === undefined && rules.size === 0) report.error([], "acl: missing; no one could do anything");
  return {
    http,
    ...(list === undefined ? {} : { access: list }),
    tokenserver: {
      ...tokens,
      sources: [...sources.keys()],
      rules: [...(list === undefined ? [] : ["access"]), ...rules.keys()],
      ...Object.fromEntries([...sources, ...rules]),
    },
  };
}
