import type { Command } from "../command.js";

/** Lists the signing keys of the token server, with the times in which they are used. */
export const keysList: Command = {
  name: "keys list",
  operands: [],
  summary: "`keys list` shows the signing keys of the token server",
  details: "The newest active key signs; every key verifies until the time shown.",
  flags: [
    {
      name: "certificates",
      meaning: "print the keys' certificates instead, for the rootcertbundle of other registries",
    },
  ],
  run: async (invocation) => (await import("../actions/keys.js")).listKeys(invocation),
};

/** Adds a signing key; the others verify until their tokens are gone. */
export const keysRotate: Command = {
  name: "keys rotate",
  operands: [],
  summary: "`keys rotate` replaces the signing key of the token server",
  details:
    "Adds a key that starts signing in a minute, once every process and every replica has noticed it. The previous key keeps verifying until its tokens have expired. No restart is needed.",
  flags: [],
  run: async (invocation) => (await import("../actions/keys.js")).rotateKey(invocation),
};
