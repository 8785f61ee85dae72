import type { AccessController } from "@longshore/auth";
import { createDriver, openRecords } from "@longshore/storage";
import { startApi, type RunningApi } from "@longshore/testkit/start-registry";
import { readKeys } from "@longshore/token-server";
import { chooseTokenServer, tokenServerSection } from "@longshore/token-server/configuration";

/** A registry with a token server in this process, whose clock is the test's. */
export interface TokenAuthority extends AsyncDisposable {
  readonly api: RunningApi;
  readonly url: string;
  /** The certificates of its keys, for registries that trust it. */
  readonly certificates: string;
  /** The tokens that it has issued, in order. */
  readonly issued: string[];
}

/** What {@link startAuthority} opens. */
export interface TokenAuthorityOptions {
  readonly tokenserver: object;
  readonly access: readonly unknown[];
  readonly clock: () => number;
}

/** Starts it over a storage in memory. */
export async function startAuthority({ tokenserver, access, clock }: TokenAuthorityOptions): Promise<TokenAuthority> {
  const parsed = tokenServerSection.parse(tokenserver);
  if (parsed === undefined) throw new Error("there is no token server");
  const driver = await createDriver("inmemory", {});
  const records = openRecords(driver);
  const quiet = () => undefined;
  const log = { error: quiet, warn: quiet, info: quiet };
  const ports = { log, clock, records, secret: "a secret for the tests", rules: access };
  const controller = await chooseTokenServer(parsed, true).open(ports);
  const issued: string[] = [];
  const api = await startApi({ access: recording(controller, issued) });
  const keys = (await readKeys(records)) ?? [];
  return {
    api,
    url: api.client.origin,
    certificates: keys.flatMap((key) => key.certificates.map(String)).join(""),
    issued,
    async [Symbol.asyncDispose]() {
      await api.stop();
      await driver.close();
    },
  };
}

/** Notes each token that `controller` issues. */
function recording(controller: AccessController, issued: string[]): AccessController {
  const { tokens } = controller;
  if (tokens === undefined) throw new Error("it issues no tokens");
  return {
    ...controller,
    tokens: {
      async issue(...request) {
        const answer = await tokens.issue(...request);
        const { token } = answer.document;
        if (typeof token === "string") issued.push(token);
        return answer;
      },
    },
  };
}
