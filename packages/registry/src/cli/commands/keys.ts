import { readKeys, rotateKeys, type StoredKey } from "@longshore/token-server";
import type { Command } from "../command.js";
import { withTokenServer } from "../open-token-server.js";
import type { Terminal } from "../terminal.js";

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
  run: (invocation) =>
    withTokenServer(invocation, async ({ records, server }) => {
      const { terminal, flags } = invocation;
      if (server.keys.key !== undefined) {
        terminal.err(`tokens are signed with the key in ${server.keys.key}\n`);
        return 1;
      }
      const keys = (await readKeys(records)) ?? [];
      if (keys.length === 0) terminal.err("there are no keys yet; they are generated when the registry starts\n");
      if (flags.has("certificates")) for (const key of keys) terminal.out(key.certificates.map(String).join(""));
      else print(keys, terminal);
      return 0;
    }),
};

/** Adds a signing key; the others verify until their tokens are gone. */
export const keysRotate: Command = {
  name: "keys rotate",
  operands: [],
  summary: "`keys rotate` replaces the signing key of the token server",
  details:
    "Adds a key that starts signing in a minute, once every process and every replica has noticed it. The previous key keeps verifying until its tokens have expired. No restart is needed.",
  flags: [],
  run: (invocation) =>
    withTokenServer(invocation, async ({ records, server }) => {
      const { terminal } = invocation;
      if (server.keys.key !== undefined) {
        terminal.err(`tokens are signed with the key in ${server.keys.key}; replace that file to change it\n`);
        return 1;
      }
      const { algorithm } = server.keys;
      const making = { algorithm, issuer: server.issuer, lifetime: server.lifetime, now: Date.now() };
      print(await rotateKeys(records, making), terminal);
      return 0;
    }),
};

function print(keys: readonly StoredKey[], terminal: Terminal): void {
  for (const { id, algorithm, signsFrom, verifiesUntil } of keys) {
    const until = verifiesUntil === undefined ? "" : `, verifies until ${new Date(verifiesUntil).toISOString()}`;
    terminal.out(`${id} ${algorithm} signs from ${new Date(signsFrom).toISOString()}${until}\n`);
  }
}
