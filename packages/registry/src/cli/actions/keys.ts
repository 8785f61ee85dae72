import { readKeys, rotateKeys, type StoredKey } from "@longshore/token-server";
import type { Invocation } from "../command.js";
import { withTokenServer } from "../open-token-server.js";
import type { Terminal } from "../terminal.js";

/** Lists the signing keys of the token server, with the times in which they are used. */
export function listKeys(invocation: Invocation): Promise<number> {
  return withTokenServer(invocation, async ({ records, server }) => {
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
  });
}

/** Adds a signing key; the others verify until their tokens are gone. */
export function rotateKey(invocation: Invocation): Promise<number> {
  return withTokenServer(invocation, async ({ records, server }) => {
    const { terminal } = invocation;
    if (server.keys.key !== undefined) {
      terminal.err(`tokens are signed with the key in ${server.keys.key}; replace that file to change it\n`);
      return 1;
    }
    const { algorithm } = server.keys;
    const making = { algorithm, issuer: server.issuer, lifetime: server.lifetime, now: Date.now() };
    print(await rotateKeys(records, making), terminal);
    return 0;
  });
}

function print(keys: readonly StoredKey[], terminal: Terminal): void {
  for (const { id, algorithm, signsFrom, verifiesUntil } of keys) {
    const until = verifiesUntil === undefined ? "" : `, verifies until ${new Date(verifiesUntil).toISOString()}`;
    terminal.out(`${id} ${algorithm} signs from ${new Date(signsFrom).toISOString()}${until}\n`);
  }
}
