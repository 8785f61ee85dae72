import { findKind } from "@longshore/options/kind";
import { child, shapeOf } from "@longshore/options/shape";
import type { z } from "zod";
import type { AccessController } from "./access-controller.js";
import { chooseAccess, type ChosenAccess } from "./choose-access.js";
import { AuthError } from "./errors.js";
import { canCombine, type AuthKind, type ChosenAuth } from "./methods/kind.js";
import { AUTH_KINDS } from "./methods/kinds.js";
import type { ControllerPorts } from "./ports.js";

/** For controllers that need nothing from their environment. */
const QUIET: ControllerPorts = {
  log: { error: () => undefined, warn: () => undefined, info: () => undefined },
  clock: Date.now,
  secret: "",
};

/** The sections of `auth` by name, with their options as written in a configuration. */
export type AccessSections = Readonly<Record<string, unknown>>;

/**
 * Parses access control outside of a configuration. Throws AuthError INVALID_OPTIONS for an unknown name, an unknown or
 * invalid option, and for kinds that can't be combined: a mistake must never open the registry.
 */
export function parseAccess(sections: AccessSections, kinds: readonly AuthKind[] = AUTH_KINDS): ChosenAccess {
  const named = Object.entries(sections).map(([name, options]) => ({ name, options, kind: kindOf(name, kinds) }));
  if (!canCombine(named.map(({ kind }) => kind.role))) {
    const reason = `these can't be combined, choose one: ${named.map(({ name }) => name).join(", ")}`;
    throw new AuthError({ code: "INVALID_OPTIONS", path: "auth", reason });
  }
  return chooseAccess(named.map(({ name, options, kind }) => parseSection(kind.section(name), name, options)));
}

/** Opens the access controller `name`. Throws like {@link parseAccess}, and if its files can't be used. */
export async function createAccessController(
  name: string,
  options: unknown,
  ports: ControllerPorts = QUIET,
): Promise<AccessController> {
  return parseAccess({ [name]: options }).open(ports);
}

function kindOf(name: string, kinds: readonly AuthKind[]): AuthKind {
  const kind = findKind(kinds, name);
  if (kind !== undefined) return kind;
  const reason = `unknown access controller; expected one of ${kinds.map((each) => each.name).join(", ")}`;
  throw new AuthError({ code: "INVALID_OPTIONS", path: name, reason });
}

function parseSection(schema: z.ZodType<ChosenAuth>, name: string, options: unknown): ChosenAuth {
  refuseUnknownKeys(schema, [name], options);
  const parsed = schema.safeParse(options);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = [name, ...(issue?.path ?? [])].join(".");
  throw new AuthError({ code: "INVALID_OPTIONS", path, reason: issue?.message ?? "invalid" });
}

function refuseUnknownKeys(schema: z.core.$ZodType, path: readonly string[], options: unknown): void {
  const shape = shapeOf(schema);
  if (shape.kind !== "struct" || typeof options !== "object" || options === null) return;
  for (const [key, value] of Object.entries(options)) {
    const option = child(shape, key);
    if (option === undefined) {
      throw new AuthError({ code: "INVALID_OPTIONS", path: path.join("."), reason: `unknown option ${key}` });
    }
    refuseUnknownKeys(option, [...path, key], value);
  }
}
