import type { RulesKind } from "../contract.js";
import { aclFile } from "./acl-file/acl-file-kind.js";
import { hookRules } from "./hook/hook-rules-kind.js";
import { mongodbRules } from "./mongodb/mongodb-rules-kind.js";
import { programRules } from "./program/program-rules-kind.js";
import { roles } from "./roles/roles-kind.js";

/** Every kind of rules beside the list `access`, in the order of the reference: a new one is a folder and a line here. */
export const RULES_KINDS: readonly RulesKind[] = [aclFile, roles, mongodbRules, programRules, hookRules];
