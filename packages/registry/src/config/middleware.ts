import {
  type AwsClients,
  type CloudfrontOptions,
  type RewriteOptions,
  type StorageMiddleware,
} from "@longshore/storage";
import { type StorageConfig, type StorageMiddlewareEntry } from "./config.js";
import { parseDuration } from "./duration.js";
import { nearest } from "./nearest.js";
import { type Report } from "./report.js";
import { type ParsedConfig } from "./schema/root.js";
import { type Path } from "./yaml/tree.js";

type Entry = ParsedConfig["middleware"]["storage"][number];
type Options = NonNullable<Entry["options"]>;
type Name = StorageMiddleware["name"];

/** Which options are whose: anything else in an entry is refused, since it would silently do nothing. */
const OPTIONS: Readonly<Record<Name, readonly string[]>> = {
  redirect: ["baseurl"],
  rewrite: ["scheme", "host", "trimpathprefix"],
  cloudfront: [
    "baseurl",
    "privatekey",
    "keypairid",
    "duration",
    "ipfilteredby",
    "awsregion",
    "updatefrequency",
    "updatefrenquency",
    "iprangesurl",
  ],
};

const NAMES: readonly Name[] = ["redirect", "rewrite", "cloudfront"];
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const AWS_LIST = "https://ip-ranges.amazonaws.com/ip-ranges.json";

/** `middleware.storage` without its disabled entries, each checked on its own and against the storage. */
export function middlewareConfig(
  entries: ParsedConfig["middleware"]["storage"],
  storage: Pick<StorageConfig, "type" | "redirect">,
  report: Report,
): StorageMiddlewareEntry[] {
  const enabled = entries.map((entry, index) => ({ entry, index })).filter(({ entry }) => !entry.disabled);
  if (enabled.length > 0 && nobodyIsRedirected(storage)) {
    const message = "has no effect with storage.redirect.disable: true, since nobody is redirected then";
    report.warning(["middleware", "storage"], message);
  }
  return enabled.flatMap(({ entry, index }) => {
    const middleware = understand(entry, ["middleware", "storage", index], storage, report);
    return middleware === undefined ? [] : [{ index, middleware }];
  });
}

function nobodyIsRedirected({ redirect }: Pick<StorageConfig, "redirect">): boolean {
  return redirect.disable && redirect.clients.every((rule) => rule.disable);
}

function understand(
  { name, options = {} }: Entry,
  path: Path,
  storage: Pick<StorageConfig, "type">,
  report: Report,
): StorageMiddleware | undefined {
  const known = NAMES.find((each) => each === name);
  if (known === undefined) {
    const near = nearest(name ?? "", NAMES);
    const hint = near === undefined ? "" : `; did you mean ${near}?`;
    const found = name === undefined ? "nothing" : JSON.stringify(name);
    report.error([...path, "name"], `found ${found}; allowed: one of ${NAMES.join(", ")}${hint}`);
    return undefined;
  }
  const scope = new Scope(known, options, [...path, "options"], report);
  scope.refuseUnknown();
  switch (known) {
    case "redirect":
      return { name: known, options: { baseUrl: scope.url("baseurl") } };
    case "rewrite":
      return { name: known, options: rewriteOptions(scope) };
    case "cloudfront":
      if (storage.type !== "s3" && storage.type !== "s3aws") {
        report.warning(path, `has no effect with storage.${storage.type}: cloudfront works with s3 only`);
      }
      return { name: known, options: cloudfrontOptions(scope) };
  }
}

function rewriteOptions(scope: Scope): RewriteOptions {
  const options = {
    scheme: scope.matching("scheme", /^[a-z][a-z0-9+.-]*$/i, "a scheme such as https, without ://"),
    host: scope.matching("host", /^[^/?#@\s]+$/, "a host such as cdn.example, perhaps with a port"),
    trimPathPrefix: scope.text("trimpathprefix"),
  };
  if (Object.values(options).every((value) => value === undefined)) {
    scope.warning("changes nothing without scheme, host or trimpathprefix");
  }
  return options;
}

function cloudfrontOptions(scope: Scope): CloudfrontOptions {
  return {
    baseUrl: scope.url("baseurl", "https://"),
    privateKey: scope.required("privatekey"),
    keyPairId: scope.required("keypairid"),
    duration: scope.duration("duration") ?? 20 * MINUTE,
    awsClients: awsClients(scope),
    updateFrequency: scope.duration("updatefrequency") ?? scope.duration("updatefrenquency") ?? 12 * HOUR,
    ipRangesUrl: scope.text("iprangesurl") === undefined ? AWS_LIST : scope.url("iprangesurl"),
  };
}

function awsClients(scope: Scope): AwsClients {
  const filter = scope.text("ipfilteredby") ?? "none";
  if (filter !== "awsregion") return filter === "aws" ? "aws" : "none";
  const given = scope.required("awsregion").split(",");
  return { regions: given.map((region) => region.trim().toLowerCase()).filter((region) => region !== "") };
}

/** The options of one entry; what is wrong with them is reported, and something stands in so that all of it is found at once. */
class Scope {
  readonly #name: Name;
  readonly #options: Options;
  readonly #path: Path;
  readonly #report: Report;

  constructor(name: Name, options: Options, path: Path, report: Report) {
    this.#name = name;
    this.#options = options;
    this.#path = path;
    this.#report = report;
  }

  refuseUnknown(): void {
    const known = OPTIONS[this.#name];
    for (const option of Object.keys(this.#options)) {
      if (known.includes(option)) continue;
      const near = nearest(option, known);
      const hint = near === undefined ? "" : `; did you mean ${near}?`;
      this.#error(option, `${this.#name} has no such option${hint}; known here: ${known.join(", ")}`);
    }
  }

  /** An empty text is the same as none. */
  text(option: string): string | undefined {
    const value = this.#options[option];
    return typeof value === "string" && value !== "" ? value : undefined;
  }

  required(option: string): string {
    const value = this.text(option);
    if (value === undefined) this.#error(option, `missing; ${this.#name} needs it`);
    return value ?? "";
  }

  matching(option: string, pattern: RegExp, allowed: string): string | undefined {
    const value = this.text(option);
    if (value !== undefined && !pattern.test(value)) {
      this.#error(option, `found ${JSON.stringify(value)}; allowed: ${allowed}`);
    }
    return value;
  }

  /** A required address. `scheme` is put before one that has none. */
  url(option: string, scheme = ""): string {
    const value = this.required(option);
    const url = scheme !== "" && !value.includes("://") ? `${scheme}${value}` : value;
    const isUsable = URL.canParse(url) && /^https?:\/\/[^/]/i.test(url);
    if (value !== "" && !isUsable) {
      this.#error(
        option,
        `found ${JSON.stringify(value)}; allowed: an address with scheme and host, such as https://cdn.example/`,
      );
    }
    return url;
  }

  duration(option: string): number | undefined {
    const value = this.text(option);
    return value === undefined ? undefined : parseDuration(value);
  }

  warning(message: string): void {
    this.#report.warning(this.#path, message);
  }

  #error(option: string, message: string): void {
    this.#report.error([...this.#path, option], message);
  }
}
