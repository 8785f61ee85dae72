import type { ControllerPorts } from "../ports.js";
import type { Rules } from "../rules/contract.js";
import { createTokenServer, type TokenServer, type TokenServerOptions } from "../token-server/server.js";

/** Whose tokens they are. */
export interface OwnTokensOptions extends Pick<
  TokenServerOptions,
  "authenticators" | "passwords" | "realm" | "service"
> {
  readonly rules: Rules | undefined;
}

/** The registry's own tokens where rules admit those who don't log in; undefined where Basic credentials do. */
export function ownTokens(options: OwnTokensOptions, { secret, clock }: ControllerPorts): TokenServer | undefined {
  const { rules } = options;
  if (rules?.admitsAnonymous !== true) return undefined;
  return createTokenServer({ ...options, rules: () => rules, secret, clock });
}
