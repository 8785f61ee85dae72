import type { Remark, VerifyRequest } from "@longshore/options/kind";
import { createIssuerKeys } from "../keys/issuer-keys.js";
import { isUrl } from "../keys/key-address.js";
import type { IssuerOptions } from "./machine-options.js";

/** What `registry verify` says of an issuer: whether its keys can be had now. */
export async function verifyIssuer(
  options: IssuerOptions,
  index: number,
  { remote, patience, now }: VerifyRequest,
): Promise<readonly Remark[]> {
  const isFile = options.jwks !== undefined && !isUrl(options.jwks);
  if (!isFile && !remote) return [];
  const reasons: string[] = [];
  const note = (message: string, fields: Readonly<Record<string, unknown>> = {}): void => {
    const { error, reason } = fields;
    reasons.push(typeof error === "string" ? error : typeof reason === "string" ? reason : message);
  };
  const log = { error: note, warn: note, info: () => undefined };
  const keys = createIssuerKeys(options, { log, clock: () => now.getTime(), onChange: () => undefined });
  try {
    const found = await keys.current(AbortSignal.timeout(patience));
    if (found === undefined) return [remark(`the keys can't be had: ${reasons.at(-1) ?? "unknown fault"}`)];
    return reasons.map((reason) => remark(`a key is not used: ${reason}`));
  } catch (error) {
    return [remark(`the keys can't be had: ${error instanceof Error ? error.message : "unknown fault"}`)];
  } finally {
    await keys.close();
  }

  function remark(message: string): Remark {
    const path = ["issuers", index, options.jwks === undefined ? "issuer" : "jwks"];
    // An issuer that is down keeps no registry from starting; a file that can't be read never helps anybody.
    return { severity: isFile ? "error" : "warning", path, message };
  }
}
