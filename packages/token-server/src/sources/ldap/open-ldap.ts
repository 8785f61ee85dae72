import { AuthError, type Clock } from "@longshore/auth";
import { errnoOf } from "@longshore/base/errno";
import { readCertificates } from "@longshore/base/pem";
import { readFile } from "node:fs/promises";
import type { IdentitySource } from "../../contract.js";
import { addressesOf } from "./check-options.js";
import type { LdapOptions } from "./ldap-options.js";
import type { DirectoryConnection } from "./connection.js";
import { DirectoryFault } from "./fault.js";
import { createLdapSource } from "./ldap-source.js";
import { createPool, type ConnectionPool } from "./pool.js";
import { createServers, type Servers } from "./servers.js";
import { createUserEntries } from "./user-entries.js";

/** The connections of a directory. */
export interface Directory {
  /** Bound as `binddn`, or anonymous; undefined if users search in their own names. */
  readonly readers: ConnectionPool | undefined;
  readonly logins: ConnectionPool;
}

/** Reads the files that the options name. No server is asked. Throws AuthError INVALID_OPTIONS if a file can't be used. */
export async function openDirectory(options: LdapOptions, clock: Clock): Promise<Directory> {
  const { binddn, bindpassword, bindpasswordfile, userdn, connections: size } = options;
  const servers: Servers = createServers({
    addresses: addressesOf(options),
    trust: { ca: await readCa(options.ca), isVerified: !options.insecureskipverify },
    connectTimeout: options.connecttimeout,
    operationTimeout: options.operationtimeout,
    clock,
  });
  const password = bindpassword?.reveal() ?? (await readPassword(bindpasswordfile));
  const logins = createPool({ servers, size });
  if (binddn !== undefined)
    return {
      logins,
      readers: createPool({
        servers,
        size,
        prepare: (connection, signal) => bindReader(connection, binddn, password, signal),
      }),
    };
  return { logins, readers: userdn === undefined ? createPool({ servers, size }) : undefined };
}

/** A source over the directory that the options describe. Throws AuthError INVALID_OPTIONS. */
export async function openLdap(options: LdapOptions, clock: Clock): Promise<IdentitySource> {
  const { readers, logins } = await openDirectory(options, clock);
  return createLdapSource({ readers, logins, entries: createUserEntries(options), userdn: options.userdn, clock });
}

/** A refusal is a fault of the configuration, and says nothing about the account that wants to log in. */
async function bindReader(connection: DirectoryConnection, binddn: string, password: string, signal: AbortSignal) {
  try {
    await connection.bind(binddn, password, signal);
  } catch (error) {
    if (!(error instanceof DirectoryFault) || error.kind !== "credentials") throw error;
    throw new DirectoryFault("request", `binddn can't bind: ${error.message}`, { cause: error });
  }
}

async function readOption(option: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const reason = `${path} can't be read (${errnoOf(error) ?? "unknown fault"})`;
    throw new AuthError({ code: "INVALID_OPTIONS", path: `ldap.${option}`, reason }, { cause: error });
  }
}

async function readCa(path: string | undefined): Promise<Buffer | undefined> {
  if (path === undefined) return undefined;
  const bytes = await readOption("ca", path);
  const { problem } = readCertificates(bytes, path);
  if (problem === undefined) return bytes;
  throw new AuthError({ code: "INVALID_OPTIONS", path: "ldap.ca", reason: `${path} ${problem}` });
}

/** The first line: editors end a file with a newline, which is part of no password. */
async function readPassword(path: string | undefined): Promise<string> {
  if (path === undefined) return "";
  const [line = ""] = (await readOption("bindpasswordfile", path)).toString("utf8").split(/\r?\n/);
  if (line !== "") return line;
  throw new AuthError({ code: "INVALID_OPTIONS", path: "ldap.bindpasswordfile", reason: `${path} is empty` });
}
