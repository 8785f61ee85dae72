import type { SourceKind } from "../contract.js";
import { oidc } from "../oidc/machines/machine-kind.js";
import { login } from "../oidc/people/login-kind.js";
import { personal } from "../personal-tokens/personal-kind.js";
import { hook } from "./hook/hook-kind.js";
import { ldap } from "./ldap/ldap-kind.js";
import { local } from "./local/local-kind.js";
import { mongodb } from "./mongodb/mongodb-kind.js";
import { program } from "./program/program-kind.js";

/** Every kind of identity source, in the order of the reference and in which they are asked by default. */
export const SOURCE_KINDS: readonly SourceKind[] = [personal, oidc, local, ldap, mongodb, program, hook, login];
