import type { Remark, VerifyRequest } from "@longshore/options/kind";
import type { AccessController } from "./access-controller.js";
import { none } from "./methods/none-controller.js";
import { AuthError } from "./errors.js";
import { openIdentityController } from "./identities/open-identity-controller.js";
import type { ChosenAuth, ChosenCertificateSource, ChosenController, ChosenPasswordSource } from "./methods/kind.js";
import type { Clock, ControllerPorts } from "./ports.js";
import type { LoginRegistrar } from "./throttle/login-registrar.js";
import { createLoginRegistrar } from "./throttle/throttle-options.js";

/** Access control as a configuration has chosen it: ready to be opened. */
export interface ChosenAccess {
  /** The kind that decides, or whose identities the rules judge: `htpasswd` also with client certificates beside it. */
  readonly kind: string;
  /** The configuration's section that remarks are about. */
  readonly section: string;
  /** The options of that kind, as parsed. */
  readonly options: Readonly<Record<string, unknown>>;
  /** All sections of `auth`, that one first. */
  readonly sections: readonly ChosenAuth[];
  /** Why `access` rules have no effect; undefined if they apply. */
  readonly withoutRules: string | undefined;
  /** Whether clients may identify themselves by a certificate. */
  readonly usesCertificates: boolean;
  /** Settings that are allowed but probably not intended, by the path below {@link ChosenAccess.section}. */
  readonly remarks: readonly Remark[];
  /** Throws AuthError INVALID_OPTIONS for rules or files that can't be used. */
  open(ports: ControllerPorts): Promise<AccessController>;
  /** The record of failed logins that several processes share; undefined if no passwords are verified or throttling is off. */
  createLogins(clock: Clock): LoginRegistrar | undefined;
  /** Tries out what the options name, without changing anything. Paths are those below {@link ChosenAccess.section}. */
  verify(request: VerifyRequest): Promise<readonly Remark[]>;
}

/** Combines the sections of `auth`, which {@link canCombine} must allow. Without any, everyone may do everything. */
export function chooseAccess(sections: readonly ChosenAuth[]): ChosenAccess {
  const controller = sections.find((each): each is ChosenController => each.role === "controller");
  const passwords = sections.find((each): each is ChosenPasswordSource => each.role === "passwords");
  const certificates = sections.find((each): each is ChosenCertificateSource => each.role === "certificates");
  const first = controller ?? passwords ?? certificates;
  if (first === undefined) return chooseAccess([none.section(none.name).parse({})]);
  return {
    kind: first.kind,
    section: "auth",
    options: first.options,
    sections: [first, ...sections.filter((each) => each !== first)],
    withoutRules: controller?.withoutRules,
    usesCertificates: certificates !== undefined,
    remarks: sections.flatMap((each) => below(each.kind, each.remarks)),
    async open(ports) {
      if (controller === undefined) return openIdentityController({ name: first.kind, passwords, certificates }, ports);
      if (ports.rules === undefined) return controller.open(ports);
      const reason = `access rules have no effect here: ${controller.withoutRules}; remove the rules`;
      throw new AuthError({ code: "INVALID_OPTIONS", path: controller.kind, reason });
    },
    createLogins: (clock) =>
      passwords?.throttle === undefined ? undefined : createLoginRegistrar(passwords.throttle, clock),
    async verify(request) {
      const remarks = await Promise.all(sections.map(async (each) => below(each.kind, await each.verify(request))));
      return remarks.flat();
    },
  };
}

function below(kind: string, remarks: readonly Remark[]): readonly Remark[] {
  return remarks.map((remark) => ({ ...remark, path: [kind, ...remark.path] }));
}
