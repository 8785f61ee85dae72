import type { AccessController } from "./contract.js";
import { AuthError } from "./errors.js";
import type { ControllerPorts } from "./ports.js";

/** The controllers that `auth:` can name. Each is loaded when it is asked for. */
const CONTROLLERS: Readonly<Record<string, (options: unknown, ports: ControllerPorts) => Promise<AccessController>>> = {
  none: async () => (await import("./controllers/none.js")).createNoneController(),
  silly: async (options) => {
    const { createSillyController, parseSillyOptions } = await import("./controllers/silly.js");
    return createSillyController(parseSillyOptions(options));
  },
  htpasswd: async (options, ports) =>
    (await import("./controllers/htpasswd/controller.js")).openHtpasswdController(options, ports),
  mtls: async (options, ports) =>
    (await import("./controllers/mtls/controller.js")).createMtlsController(options, ports),
  token: async (options, ports) => {
    const { openTokenController } = await import("./controllers/token/controller.js");
    const { parseTokenOptions } = await import("./controllers/token/options.js");
    return openTokenController(parseTokenOptions(options), ports);
  },
};

/** For controllers that need nothing of their surroundings. */
const QUIET: ControllerPorts = {
  log: { error: () => undefined, warn: () => undefined, info: () => undefined },
  clock: Date.now,
  secret: "",
};

/** The names that {@link createAccessController} knows. */
export const ACCESS_CONTROLLERS: readonly string[] = Object.keys(CONTROLLERS);

/**
 * The controller `type` with its own `options`. Throws AuthError INVALID_OPTIONS for a type that isn't known: a mistyped
 * name never opens the registry.
 */
export async function createAccessController(
  type: string,
  options: unknown,
  ports: ControllerPorts = QUIET,
): Promise<AccessController> {
  const create = Object.hasOwn(CONTROLLERS, type) ? CONTROLLERS[type] : undefined;
  if (create !== undefined) return create(options, ports);
  const reason = `unknown access controller; known are ${ACCESS_CONTROLLERS.join(", ")}`;
  throw new AuthError({ code: "INVALID_OPTIONS", path: type, reason });
}
