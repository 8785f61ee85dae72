import { escapeGo } from "@longshore/base/quote";

const PLAIN = /^[A-Za-z0-9\-._/@^+]*$/;

/** A value of the text format: unquoted if it is plain, otherwise quoted (wire contract §9.4). */
export function quoteValue(text: string): string {
  return PLAIN.test(text) ? text : `"${escapeGo(text)}"`;
}
