import { declareKind, type Chosen, type KindDeclaration } from "@longshore/options/kind";
import type { z } from "zod";
import type { ChosenSource, SourceKind } from "../contract.js";

/** A kind of identity source. A mistyped option is an error: it must not weaken who gets in. */
export function declareSource<S extends z.ZodRawShape>(
  declaration: KindDeclaration<S, Omit<ChosenSource, keyof Chosen>>,
): SourceKind {
  return declareKind({ ...declaration, info: { untyped: true, unknownKeys: "error", ...declaration.info } });
}
