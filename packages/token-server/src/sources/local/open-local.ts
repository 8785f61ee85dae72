import {
  AuthError,
  createBcryptPool,
  openPasswordFile,
  type PasswordComparer,
  type PasswordList,
} from "@longshore/auth";
import type { IdentitySource, SourcePorts } from "../../contract.js";
import type { LocalOptions } from "./local-options.js";
import { createLocalSource } from "./local-source.js";
import { joinUsers, readUsers, type UserList } from "./user-list.js";

/** Opens the htpasswd file, if there is one. Throws AuthError INVALID_OPTIONS if it can't be used. */
export async function openLocal(
  options: LocalOptions,
  { log, fileLog = log, clock }: SourcePorts,
  threads: number,
  comparer: PasswordComparer = createBcryptPool({ threads }),
): Promise<IdentitySource> {
  const { users, htpasswd, cachettl } = options;
  const file = htpasswd === undefined ? undefined : await openFile(htpasswd, { log: fileLog, clock });
  const named = readUsers(users);
  let joined: { readonly of: PasswordList | undefined; readonly list: UserList } | undefined;

  function list(): UserList {
    const current = file?.value;
    if (joined === undefined || joined.of !== current) joined = { of: current, list: joinUsers(named, current) };
    return joined.list;
  }

  const anonymous = Object.hasOwn(users, "") ? (users[""]?.labels ?? {}) : undefined;
  return createLocalSource({
    users: list,
    anonymous: anonymous && { hash: undefined, labels: new Map(Object.entries(anonymous)) },
    comparer,
    clock,
    cachettl,
    check: () => file?.check(),
    async reload() {
      await file?.reload();
    },
  });
}

async function openFile(path: string, ports: Pick<SourcePorts, "log" | "clock">) {
  try {
    return await openPasswordFile({ path, ...ports });
  } catch (error) {
    const reason = `${path} can't be used: ${error instanceof Error ? error.message : "unknown fault"}`;
    throw new AuthError({ code: "INVALID_OPTIONS", path: "local.htpasswd", reason }, { cause: error });
  }
}
