import { openRecords } from "@longshore/storage";
import { openLastUse, openTokenStore, type TokenStore } from "@longshore/token-server";
import type { Config } from "../config/config.js";
import { silentLog } from "../observability/log.js";
import { printErrors } from "./configuration.js";
import type { Invocation } from "./command.js";
import { UsageError } from "./flags.js";

/** The personal access tokens on the storage of a configuration. */
interface OpenTokens {
  readonly config: Config;
  readonly store: TokenStore;
  readonly lastUse: ReturnType<typeof openLastUse>;
}

/**
 * Runs `work` with the tokens on the configured storage, beside registries that serve; resolves with the exit code. A fault of the storage is
 * printed.
 */
export async function withTokens(
  { configuration: { loaded }, terminal }: Invocation,
  work: (tokens: OpenTokens) => Promise<number>,
): Promise<number> {
  const { config } = loaded;
  if (!config) {
    printErrors(loaded.errors, terminal);
    return 1;
  }
  const driver = await config.storage.driver.open();
  try {
    const records = openRecords(driver);
    const lastUse = openLastUse(records, { log: silentLog, clock: Date.now });
    return await work({ config, store: openTokenStore(records), lastUse });
  } catch (error) {
    if (error instanceof UsageError) throw error;
    terminal.err(`failed: ${error instanceof Error ? error.message : "unknown fault"}\n`);
    return 1;
  } finally {
    await driver.close();
  }
}

/** The words of a flag's value, between spaces. */
export function wordsOf(value: string | undefined): readonly string[] {
  return (value ?? "").split(/\s+/).filter((word) => word !== "");
}
