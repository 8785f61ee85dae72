import { errnoOf } from "@longshore/base/errno";
import { ForbiddenAddressError } from "./guard.js";
import { TlsFileError } from "./tls.js";

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "it refuses the connection",
  ECONNRESET: "it closed the connection",
  EPIPE: "it closed the connection",
  UND_ERR_SOCKET: "it closed the connection",
  ETIMEDOUT: "it doesn't answer",
  EHOSTUNREACH: "there is no route to it",
  ENETUNREACH: "there is no route to it",
  ENOTFOUND: "its name can't be resolved",
  EAI_AGAIN: "its name can't be resolved at the moment",
  UND_ERR_CONNECT_TIMEOUT: "it doesn't take the connection in time",
  UND_ERR_HEADERS_OVERFLOW: "its headers are too large",
  UND_ERR_ABORTED: "the proxy refuses the connection",
  HPE_INVALID_CONSTANT: "it doesn't speak HTTP",
};

/** Codes of OpenSSL and Node for a certificate that isn't taken. */
const CERTIFICATE = /^(?:CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_CERT_)/;

/** The refusal in an error's causes; undefined where it is none of ours. */
export function refusalIn(error: unknown): ForbiddenAddressError | undefined {
  return find(error, (each) => (each instanceof ForbiddenAddressError ? each : undefined));
}

/** Why there was no answer, for people. Holds neither headers nor queries. */
export function describeNetworkError(error: unknown): string {
  const file = find(error, (each) => (each instanceof TlsFileError ? each : undefined));
  if (file !== undefined) return file.message;
  const code = find(error, errnoOf);
  if (code === undefined) return error instanceof Error ? error.message : "unknown fault";
  if (CERTIFICATE.test(code)) return `its certificate isn't trusted (${code}); name its authority in tls.ca`;
  return REASONS[code] ?? `the connection failed (${code})`;
}

/** Looks through an error, its causes, and the errors of an AggregateError (one for each address of a name). */
function find<T>(error: unknown, look: (error: unknown) => T | undefined, depth = 0): T | undefined {
  const found = look(error);
  if (found !== undefined || depth > 5 || !(error instanceof Error)) return found;
  const inner = error instanceof AggregateError ? error.errors : [error.cause];
  for (const each of inner) {
    const deeper = find(each, look, depth + 1);
    if (deeper !== undefined) return deeper;
  }
  return undefined;
}
