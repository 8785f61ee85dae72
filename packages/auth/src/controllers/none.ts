import type { AccessController, Grant } from "../contract.js";

const EVERYTHING: Grant = { unrestricted: true };

/** Lets everybody do everything: what a configuration without `auth` asks for. */
export function createNoneController(): AccessController {
  return { name: "none", authorize: () => EVERYTHING, close: () => Promise.resolve() };
}
