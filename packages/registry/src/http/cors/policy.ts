import { API_METHODS, API_REQUEST_HEADERS } from "../../config/cors-defaults.js";
import type { HttpConfig } from "../../config/config.js";

/** `http.cors` if it names origins. */
type CorsConfig = NonNullable<HttpConfig["cors"]>;

export interface CorsPolicy {
  /** Headers of the response to a page from `origin`; empty for an origin that isn't allowed. */
  answer(origin: string): readonly string[];
  /** Headers of the response to a preflight; undefined if the origin isn't allowed. */
  preflight(origin: string): readonly string[] | undefined;
  /** Whether responses differ by origin, which caches must know (Fetch standard §CORS protocol and HTTP caches). */
  readonly varies: boolean;
}

/** The response headers that scripts need beyond those that browsers always expose. */
const EXPOSED = [
  "Accept-Ranges",
  "Content-Length",
  "Content-Range",
  "Docker-Content-Digest",
  "Docker-Distribution-Api-Version",
  "Docker-Upload-Uuid",
  "ETag",
  "Link",
  "Location",
  "OCI-Filters-Applied",
  "OCI-Subject",
  "Range",
  "Retry-After",
  "Warning",
  "WWW-Authenticate",
].join(", ");

/**
 * The policy of `http.cors`, or else of the `Access-Control-*` headers that users of Distribution write in `http.headers`;
 * undefined if neither allows any origin.
 */
export function createCorsPolicy({ cors, headers }: Pick<HttpConfig, "cors" | "headers">): CorsPolicy | undefined {
  return cors === undefined ? policyOfHeaders(headers) : policyOf(cors);
}

/** The header by which the registry's own page is known: no other page may ever send it. */
export const PAGE_HEADER = "longshore-console";

function isPageHeader(name: string): boolean {
  return name.toLowerCase() === PAGE_HEADER;
}

function policyOf(options: CorsConfig): CorsPolicy {
  const every = options.origins.includes("*");
  const allows = (origin: string): boolean => every || options.origins.includes(origin);
  // With credentials, browsers don't accept `*`.
  const named = (origin: string): string[] => [
    "Access-Control-Allow-Origin",
    every && !options.credentials ? "*" : origin,
    ...(options.credentials ? ["Access-Control-Allow-Credentials", "true"] : []),
  ];
  return {
    varies: !every || options.credentials,
    answer: (origin) => (allows(origin) ? [...named(origin), "Access-Control-Expose-Headers", EXPOSED] : []),
    preflight: (origin) =>
      allows(origin)
        ? [
            ...named(origin),
            "Access-Control-Allow-Methods",
            options.methods.join(", "),
            "Access-Control-Allow-Headers",
            options.headers.filter((name) => !isPageHeader(name)).join(", "),
            "Access-Control-Max-Age",
            String(Math.round(options.maxage / 1000)),
          ]
        : undefined,
  };
}

const PREFIX = "access-control-";

/** The headers are sent on every response as they were written. Preflights also get those that are missing. */
function policyOfHeaders(headers: Readonly<Record<string, readonly string[]>>): CorsPolicy | undefined {
  const given = Object.entries(headers).filter(([name]) => name.toLowerCase().startsWith(PREFIX));
  const values = (name: string): readonly string[] =>
    given.filter(([key]) => key.toLowerCase() === PREFIX + name).flatMap(([, lines]) => lines);
  const origins = values("allow-origin").map((origin) => origin.trim());
  if (origins.length === 0) return undefined;
  const lines = given.flatMap(([name, each]) => each.flatMap((value) => [name, value]));
  const missing = (name: string, key: string, value: readonly string[]): string[] =>
    values(key).length > 0 ? [] : [name, value.join(", ")];
  const preflight = [
    ...lines,
    ...missing("Access-Control-Allow-Methods", "allow-methods", API_METHODS),
    ...missing("Access-Control-Allow-Headers", "allow-headers", API_REQUEST_HEADERS),
  ];
  const allows = (origin: string): boolean => origins.includes("*") || origins.includes(origin);
  return {
    varies: false,
    answer: () => lines,
    preflight: (origin) => (allows(origin) ? preflight : undefined),
  };
}
