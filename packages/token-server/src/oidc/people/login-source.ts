import type { IdentitySource, SourcePorts } from "../../contract.js";
import { openTokenStore } from "../../personal-tokens/token-store.js";
import { devicePages, parseDeviceAttempt } from "./pages/device-pages.js";
import { createTokenIssuer } from "./pages/issue-token.js";
import { browserLoginPath, loginPages, parseAttempt } from "./pages/login-pages.js";
import type { ChosenProvider } from "./provider.js";
import { createLoginSessions, storageAvailable } from "./sessions/login-sessions.js";
import { createSealer } from "./sessions/seal.js";
import { openSessionStore } from "./sessions/session-record.js";
import { openUsedStates } from "./sessions/used-states.js";

/** What a source of this kind is called in the tokens that it creates. */
const NAME = "login";

/** Times in milliseconds. */
export interface LoginSourceOptions {
  readonly tokenlifetime: number;
  readonly revalidate: number;
  readonly grace: number;
  readonly reserved: readonly string[];
  readonly registry?: string | undefined;
  readonly dockerauthpaths: boolean;
}

/**
 * People who log in at a provider in a browser. They have no password here: what they get is a personal access token, whose account this
 * source knows for as long as the provider does.
 */
export async function openLoginSource(
  chosen: readonly ChosenProvider[],
  options: LoginSourceOptions,
  { records, secret, log, clock }: SourcePorts,
): Promise<IdentitySource> {
  const { tokenlifetime: lifetime, revalidate, grace, reserved, registry, dockerauthpaths } = options;
  const providers = await Promise.all(chosen.map((each) => each.open()));
  const tokens = openTokenStore(records);
  const parseText = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
  const sessions = createLoginSessions({
    providers: new Map(providers.map((provider) => [provider.name, provider])),
    sessions: openSessionStore(records),
    tokens,
    renewals: createSealer({ secret, purpose: "renewal", parse: parseText, clock }),
    source: NAME,
    revalidate,
    grace,
    reserved: new Set(reserved),
    clock,
    log,
  });
  const issue = createTokenIssuer({ sessions, tokens, source: NAME, lifetime, clock, log });
  const attempts = createSealer({ secret, purpose: "attempt", parse: parseAttempt, clock });
  const devices = createSealer({ secret, purpose: "device", parse: parseDeviceAttempt, clock });
  return {
    name: NAME,
    verify: () => Promise.resolve({ outcome: "unknown" }),
    ways: providers.map(({ name, title }) => ({ kind: "provider", name, title, path: browserLoginPath(name) })),
    lookup: (account) => storageAvailable(() => sessions.lookup(account)),
    pages: [
      ...loginPages({
        providers,
        attempts,
        used: openUsedStates(records, clock),
        issue,
        async begin(provider, login) {
          const { account } = login.identity;
          await sessions.begin(provider.name, login);
          const known = await sessions.lookup(account);
          return { account, source: NAME, since: clock(), stamp: known?.stamp };
        },
        log,
        registry,
        dockerAuthPaths: dockerauthpaths,
      }),
      ...devicePages({ providers, attempts: devices, issue, clock, log }),
    ],
    close: () => sessions.close(),
  };
}
