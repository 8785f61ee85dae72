/** What a page needs beside its own host: the origins that its scripts may connect to. */
export interface PageNeeds {
  readonly connect: readonly string[];
}

/**
 * Headers of the page (name, value, …): scripts, styles and requests from this host alone, nothing inline, no frame around it and none in
 * it, and no address that a link from here would tell.
 */
export function pageHeaders({ connect }: PageNeeds): readonly string[] {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    ["connect-src 'self'", ...connect].join(" "),
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'self'",
  ];
  return [
    "Content-Security-Policy",
    policy.join("; "),
    "X-Frame-Options",
    "DENY",
    "Referrer-Policy",
    "no-referrer",
    "Cross-Origin-Opener-Policy",
    "same-origin",
    "Permissions-Policy",
    "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ...FILE_HEADERS,
  ];
}

/** Headers of every file. */
export const FILE_HEADERS: readonly string[] = [
  "X-Content-Type-Options",
  "nosniff",
  "Cross-Origin-Resource-Policy",
  "same-origin",
];

/** `lines` (name, value, …) without those whose names are in `taken`. */
export function without(lines: readonly string[], taken: readonly string[]): string[] {
  const names = new Set(taken.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase()));
  const kept: string[] = [];
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const [name = "", value = ""] = [lines[i], lines[i + 1]];
    if (!names.has(name.toLowerCase())) kept.push(name, value);
  }
  return kept;
}
