import { isAuthError } from "@longshore/auth";
import { isStorageError, openRecords } from "@longshore/storage";
import { isTokenServer, type ChosenTokenServer } from "@longshore/token-server/configuration";
import type { Config } from "../config/config.js";
import type { Invocation } from "./command.js";
import { printErrors } from "./configuration.js";
import type { ExitCode } from "./terminal.js";

/** What a command for the token server works with. */
export interface TokenServerCommand {
  readonly config: Config;
  readonly server: ChosenTokenServer;
  readonly records: ReturnType<typeof openRecords>;
}

/** Runs `work` over the storage of a configuration that has a token server; says why if that can't be. */
export async function withTokenServer(
  { configuration: { loaded }, terminal }: Invocation,
  work: (command: TokenServerCommand) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { config } = loaded;
  if (!config) {
    printErrors(loaded.errors, terminal);
    return 1;
  }
  const server = config.auth;
  if (!isTokenServer(server)) {
    terminal.err("the configuration has no section tokenserver\n");
    return 1;
  }
  const driver = await config.storage.driver.open();
  try {
    return await work({ config, server, records: openRecords(driver) });
  } catch (error) {
    if (!isAuthError(error) && !isStorageError(error)) throw error;
    const cause = error.cause instanceof Error ? `: ${error.cause.message}` : "";
    terminal.err(`${error.message}${cause}\n`);
    return 1;
  } finally {
    await driver.close();
  }
}
