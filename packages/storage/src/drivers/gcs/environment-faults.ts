import { BROKEN_CONNECTION, firstLine, ServiceFault, withoutSecrets } from "../objects/faults.js";

/** Texts in which a library has put what it couldn't read: the beginning of a file, or all of a short one. */
const NOT_JSON = /unexpected (token|end|non-whitespace)|not valid JSON|in JSON at/i;

const HIDDEN = "[hidden]";

/** What may be a secret in a library's message, or in what a service told the library: it may repeat the request. */
const SECRETS: readonly RegExp[] = [
  /-----BEGIN[\s\S]*/g,
  /(?<=\b(?:\w+_token|client_secret|assertion|private_key|password)["']?\s*[:=]\s*["']?)[^\s"'&,}]+/gi,
  /(?<=\bBearer\s+)\S+/gi,
  /\beyJ[\w-]*(?:\.[\w-]*)*/g,
  /\bya29\.[\w.-]+/g,
  /[\w+=~-]{40,}/g,
];

/** An error of Google's library as a fault. An address that doesn't answer is an outage; the rest is for the operator. */
export function libraryFault(error: unknown): ServiceFault {
  const message = error instanceof Error ? error.message : "";
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const isOutage =
    BROKEN_CONNECTION.has(code) || /^(5\d\d|429)$/.test(code) || /fetch failed|socket hang up|network/i.test(message);
  const text = `GetToken: ${shown(error, message)}; set keyfile, or check the environment's credentials`;
  return new ServiceFault(isOutage ? "transient" : "access-denied", undefined, text);
}

function shown(error: unknown, message: string): string {
  if (error instanceof SyntaxError || NOT_JSON.test(message)) {
    return "a file of the environment's credentials isn't JSON, or not what its configuration says";
  }
  return firstLine(
    withoutSecrets(
      SECRETS.reduce((text, pattern) => text.replace(pattern, HIDDEN), message),
      [],
    ),
  );
}
