import { declareKind, type Chosen, type KindDeclaration } from "@longshore/options/kind";
import type { z } from "zod";
import type { ChosenRules, RulesKind } from "../contract.js";

/** A kind of rules. A mistyped option is an error: it must not change who may do what. */
export function declareRules<S extends z.ZodRawShape>(
  declaration: KindDeclaration<S, Omit<ChosenRules, keyof Chosen>>,
): RulesKind {
  return declareKind({ ...declaration, info: { untyped: true, unknownKeys: "error", ...declaration.info } });
}
