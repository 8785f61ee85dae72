/** `http.cors` with every default filled in. */
export interface CorsOptions {
  /** Origins (`https://ui.example`) whose pages may read answers; `*` is every origin. */
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  /** Request headers that pages may set. */
  readonly headers: readonly string[];
  /** How long a browser remembers a preflight (seconds). */
  readonly maxAge: number;
  /** Whether browsers may send along what they know of the user: cookies, remembered logins, client certificates. */
  readonly credentials: boolean;
}

/** What browsers are told. Headers are name, value, name, value, …. */
export interface CorsPolicy {
  /** Headers of the answer to a page of `origin`; empty for an origin that isn't allowed. */
  answer(origin: string): readonly string[];
  /** Headers of the answer to a preflight; undefined where it isn't to be answered. */
  preflight(origin: string): readonly string[] | undefined;
  /** Whether answers differ by origin, so that caches must know (Fetch standard §CORS protocol and HTTP caches). */
  readonly varies: boolean;
}

export const API_METHODS: readonly string[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/** What the API's clients send. */
export const API_REQUEST_HEADERS: readonly string[] = [
  "Accept",
  "Authorization",
  "Cache-Control",
  "Content-Range",
  "Content-Type",
  "If-None-Match",
  "Range",
];

/** What scripts need of an answer beside what browsers show them anyway. */
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
 * The policy of `http.cors`, or else of `Access-Control-*` lines in `http.headers`, as users of the original write them;
 * undefined where neither allows any origin.
 */
export function createCorsPolicy(
  options: CorsOptions | undefined,
  headers: Readonly<Record<string, readonly string[]>>,
): CorsPolicy | undefined {
  if (options !== undefined) return policyOf(options);
  return policyOfHeaders(headers);
}

function policyOf(options: CorsOptions): CorsPolicy {
  const every = options.origins.includes("*");
  const allows = (origin: string): boolean => every || options.origins.includes(origin);
  // With credentials browsers take no `*`.
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
            options.headers.join(", "),
            "Access-Control-Max-Age",
            String(options.maxAge),
          ]
        : undefined,
  };
}

const PREFIX = "access-control-";

/** The lines go out as they were written, on every answer; a preflight gets what is missing there. */
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
