import { AuthError } from "@longshore/auth";
import { errnoOf } from "@longshore/base/errno";
import type { Collection, MongoClient, MongoClientOptions } from "mongodb";
import { access, readFile } from "node:fs/promises";
import type { ConnectionOptions } from "./connection-options.js";
import { loadDriver, type Driver } from "./load-driver.js";

/** A collection, and the client that it is read with. */
export interface OpenCollection {
  readonly collection: Collection;
  readonly close: () => Promise<void>;
}

/**
 * Prepares to read a collection; no server is asked yet. `section` is the configuration's, for messages. Throws AuthError
 * INVALID_OPTIONS if the driver isn't installed, or if the options can't be used.
 */
export async function openCollection(
  section: string,
  options: ConnectionOptions,
  load?: () => Promise<Driver>,
): Promise<OpenCollection> {
  const { MongoClient: Client } = await loadDriver(section, load);
  const client = createClient(Client, section, options.url.reveal(), await clientOptions(section, options));
  return {
    collection: client.db(options.database).collection(options.collection),
    close: () => client.close(true),
  };
}

function createClient(
  Client: typeof MongoClient,
  section: string,
  url: string,
  options: MongoClientOptions,
): MongoClient {
  try {
    return new Client(url, options);
  } catch {
    // The driver's own words may quote the connection string.
    const reason = "the connection string can't be read: check hosts, options, and %-escapes in user and password";
    throw new AuthError({ code: "INVALID_OPTIONS", path: `${section}.url`, reason });
  }
}

async function clientOptions(section: string, options: ConnectionOptions): Promise<MongoClientOptions> {
  const { username, passwordfile, ca, connecttimeout } = options;
  if (ca !== undefined) await check(`${section}.ca`, ca, access);
  const password = passwordfile === undefined ? undefined : await readPassword(section, passwordfile);
  return {
    appName: "longshore",
    serverSelectionTimeoutMS: connecttimeout,
    connectTimeoutMS: connecttimeout,
    socketTimeoutMS: connecttimeout,
    waitQueueTimeoutMS: connecttimeout,
    maxPoolSize: 4,
    retryReads: true,
    ...(username !== undefined && { auth: { username, ...(password !== undefined && { password }) } }),
    ...(ca !== undefined && { tlsCAFile: ca }),
  };
}

/** The first line: editors end a file with a newline, which is part of no password. */
async function readPassword(section: string, path: string): Promise<string> {
  const text = await check(`${section}.passwordfile`, path, (file) => readFile(file, "utf8"));
  return text.split(/\r?\n/)[0] ?? "";
}

async function check<T>(option: string, path: string, read: (path: string) => Promise<T>): Promise<T> {
  try {
    return await read(path);
  } catch (error) {
    const reason = `${path} can't be read (${errnoOf(error) ?? "unknown fault"})`;
    throw new AuthError({ code: "INVALID_OPTIONS", path: option, reason }, { cause: error });
  }
}
