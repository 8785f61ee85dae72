import { signal } from "@preact/signals";
import type { ArtifactKind } from "../lib/artifact.js";
import { CLIENTS, clientsFor, pullCommand, type Client } from "../lib/commands.js";
import type { Reference } from "../lib/route.js";
import { trustOf } from "../lib/addresses.js";
import { registryAddress } from "./session.js";

/** The client whose commands the viewer copies. */
export const client = signal<Client>(CLIENTS[0]);

/** The command of the viewer's client; of the usual one for what that client can't pull. */
export function commandFor(kind: ArtifactKind, reference: Reference): string {
  const able = clientsFor(kind);
  const chosen = able.find((each) => each === client.value) ?? able[0];
  const address = registryAddress();
  // Clients know by themselves that this machine is reached without HTTPS, except for those with a flag.
  return pullCommand(chosen, address, reference, trustOf(address, location.protocol) !== "tls");
}
