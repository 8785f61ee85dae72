import { isAuthError } from "@longshore/auth";
import type { Remark, VerifyRequest } from "@longshore/options/kind";
import { readEntry } from "./entry.js";
import type { LdapOptions } from "./ldap-options.js";
import { openDirectory } from "./open-ldap.js";

/** Reads the files that the options name; with `remote` also binds as `binddn` and reads the base entry. */
export async function verifyDirectory(options: LdapOptions, request: VerifyRequest): Promise<Remark[]> {
  try {
    const { readers, logins } = await openDirectory(options, Date.now);
    try {
      if (!request.remote || readers === undefined) return [];
      const signal = AbortSignal.timeout(request.patience);
      const entry = await readers.use(signal, (reader) => readEntry(options.base, ["1.1"], reader, signal));
      return entry === undefined ? [error(["base"], `${options.base} can't be read; no account would be found`)] : [];
    } catch (fault) {
      return [
        error(["urls"], `the directory can't be used: ${fault instanceof Error ? fault.message : "unknown fault"}`),
      ];
    } finally {
      readers?.close();
      logins.close();
    }
  } catch (fault) {
    if (!isAuthError(fault, "INVALID_OPTIONS")) throw fault;
    const { fault: found } = fault;
    return found.code === "INVALID_OPTIONS" ? [error(found.path.split(".").slice(1), found.reason)] : [];
  }
}

function error(path: readonly string[], message: string): Remark {
  return { severity: "error", path, message };
}
