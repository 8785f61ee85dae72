import { redactText } from "@longshore/base/redact";

const LONGEST = 60;

/** Quotes a value of the configuration for a message: shortened, and without a password before an `@`. */
export function quote(text: string): string {
  const clean = withoutUserinfo(text);
  return JSON.stringify(clean.length > LONGEST ? `${clean.slice(0, LONGEST - 3)}…` : clean);
}

/** Removes passwords from a message: whatever precedes an `@` within quotes and, after a colon, also without quotes. */
export function redactMessage(message: string): string {
  return redactText(message)
    .replace(/(?<=")(?:[^"\\\s]|\\.)*@/g, withoutUserinfo)
    .replace(/[^\s":]*:[^\s"]*@/g, withoutUserinfo);
}

/** Up to the last `@`, because a password that wasn't encoded may contain `/`, `#` or another `@`. */
function withoutUserinfo(text: string): string {
  const at = text.lastIndexOf("@");
  if (at < 0) return redactText(text);
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(text)?.[0] ?? "";
  return `${scheme}redacted@${redactText(text.slice(at + 1))}`;
}
