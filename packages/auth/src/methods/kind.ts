import { declareKind, type Chosen, type Kind, type KindDeclaration } from "@longshore/options/kind";
import type { z } from "zod";
import type { AccessController } from "../access-controller.js";
import type { Authenticator, PasswordAuthenticator } from "../identities/identity.js";
import type { ControllerPorts } from "../ports.js";
import type { ThrottleOptions } from "../throttle/throttle-options.js";

/** Decides alone: it can't be combined with another kind, and `access` rules have no effect on it. */
export interface ChosenController extends Chosen {
  readonly role: "controller";
  /** Completes "rules have no effect here: …". */
  readonly withoutRules: string;
  /** Throws AuthError INVALID_OPTIONS if a file that the options name can't be used. */
  open(ports: ControllerPorts): Promise<AccessController>;
}

/** Verifies passwords. Rules, tokens and client certificates work alike with every such source. */
export interface ChosenPasswordSource extends Chosen {
  readonly role: "passwords";
  /** The realm of Basic challenges. */
  readonly realm: string;
  /** The name of this registry in tokens and rules. */
  readonly service: string;
  /** How failed logins are throttled; undefined if the source has no such option. */
  readonly throttle: ThrottleOptions | undefined;
  /** Throws AuthError INVALID_OPTIONS if something that the options name can't be used. */
  open(ports: ControllerPorts): Promise<PasswordAuthenticator>;
}

/** Identifies clients by their certificates, alone or in combination with a password source. */
export interface ChosenCertificateSource extends Chosen {
  readonly role: "certificates";
  open(ports: ControllerPorts): Promise<Authenticator>;
}

/** A section of `auth` that has been parsed. */
export type ChosenAuth = ChosenController | ChosenPasswordSource | ChosenCertificateSource;

/** What a kind contributes to access control, which determines what it can be combined with. */
export type AuthRole = ChosenAuth["role"];

/** An access controller, or a source of identities, that a configuration can name as `auth.<name>`. */
export interface AuthKind<C extends ChosenAuth = ChosenAuth> extends Kind<C> {
  readonly role: AuthRole;
}

type Part<C extends ChosenAuth> = Omit<C, keyof Chosen | "role">;

/** An access controller that decides alone. */
export function declareController<S extends z.ZodRawShape>(
  declaration: KindDeclaration<S, Part<ChosenController>>,
): AuthKind<ChosenController> {
  return declareRole("controller", declaration);
}

/** A password source. */
export function declarePasswordSource<S extends z.ZodRawShape>(
  declaration: KindDeclaration<S, Part<ChosenPasswordSource>>,
): AuthKind<ChosenPasswordSource> {
  return declareRole("passwords", declaration);
}

/** A source of identities from client certificates. */
export function declareCertificateSource<S extends z.ZodRawShape>(
  declaration: KindDeclaration<S, Part<ChosenCertificateSource>>,
): AuthKind<ChosenCertificateSource> {
  return declareRole("certificates", declaration);
}

/** An unknown key in a section of `auth` is an error: a mistyped option must not weaken access control. */
const STRICT = { untyped: true, unknownKeys: "error" } as const;

function declareRole<R extends AuthRole, S extends z.ZodRawShape, X extends object>(
  role: R,
  declaration: KindDeclaration<S, X>,
): Kind<Chosen & X & { readonly role: R }> & { readonly role: R } {
  const kind = declareKind({
    ...declaration,
    info: { ...STRICT, ...declaration.info },
    choose: (options: z.output<z.ZodObject<S>>, context) => ({ ...declaration.choose(options, context), role }),
  });
  return { ...kind, role };
}

/** Whether kinds with these roles can be combined: only one password source with client certificates can. */
export function canCombine(roles: readonly AuthRole[]): boolean {
  if (roles.length < 2) return true;
  return !roles.includes("controller") && new Set(roles).size === roles.length;
}

/** Whether `value` is a parsed section of `auth`. */
export function isChosenAuth(value: unknown): value is ChosenAuth {
  return typeof value === "object" && value !== null && "open" in value && "role" in value;
}
