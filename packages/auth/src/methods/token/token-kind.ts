import { declareController } from "../kind.js";
import { completeOptions, remarksOn, tokenOptions } from "./token-options.js";

/** Tokens from an authorization server (wire contract §4.4). */
export const token = declareController({
  name: "token",
  meaning: "Tokens from an authorization server.",
  options: tokenOptions,
  choose(declared, context) {
    const options = completeOptions(declared, context);
    return {
      withoutRules: "with auth.token the authorization server decides",
      remarks: remarksOn(declared),
      verify: async () => (await import("./verify-keys.js")).verifyKeys(options),
      async open(ports) {
        return (await import("./token-controller.js")).openTokenController(options, ports);
      },
    };
  },
});
