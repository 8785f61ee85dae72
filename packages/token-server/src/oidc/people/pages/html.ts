import type { PageAnswer, PageAudit } from "@longshore/auth";

const SPECIAL: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** `text` where HTML expects text or a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => SPECIAL[character] ?? character);
}

/** Nothing but the text: no script, no style, no image, no frame, no form, and no address that a link from here would tell. */
const HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-frame-options": "DENY",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cache-control": "no-store",
} as const;

/** A plain page; `body` is HTML. */
export function htmlPage(
  status: number,
  title: string,
  body: string,
  more: {
    readonly headers?: Readonly<Record<string, string>>;
    readonly account?: string | undefined;
    readonly audit?: PageAudit | undefined;
  } = {},
): PageAnswer {
  const head = `<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title>`;
  return {
    status,
    headers: { ...HEADERS, ...more.headers },
    body: `<!doctype html>\n<html lang="en"><head>${head}</head>\n<body><h1>${escapeHtml(title)}</h1>\n${body}</body></html>\n`,
    account: more.account,
    audit: more.audit,
  };
}
