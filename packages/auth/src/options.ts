import type { z } from "zod";
import { AuthError } from "./errors.js";

/** `input` as `schema` has it. Throws AuthError INVALID_OPTIONS with the key's path below `auth`. */
export function parseOptions<T extends z.ZodType>(schema: T, controller: string, input: unknown): z.infer<T> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = [controller, ...(issue?.path ?? [])].join(".");
  throw new AuthError({ code: "INVALID_OPTIONS", path, reason: issue?.message ?? "invalid" });
}
