import { parseDuration } from "@longshore/base/duration";
import { z } from "zod";

// What docker_auth's fields make of a scalar. Nothing after the colon, and for a text an empty one, is the same as no key.

const TRUE = /^(?:y|yes|on|true)$/i;
const FALSE = /^(?:n|no|off|false)$/i;

const scalar = z.string("must be a text");

/** A text; an empty one is none. */
export const text = scalar.nullish().transform((value) => (value === null || value === "" ? undefined : value));

/** A text that must be there. */
export const requiredText = z.string("missing").min(1, "missing");

/** A list of strings. */
export const texts = z
  .array(scalar, "must be a list of strings")
  .nullish()
  .transform((value) => value ?? []);

/** True or false, by the words of YAML 1.1. */
export const flag = scalar
  .regex(new RegExp(`${TRUE.source}|${FALSE.source}`, "i"), "must be true or false")
  .nullish()
  .transform((value) => typeof value === "string" && TRUE.test(value));

/** A whole number, in decimal or as `0x…`. */
export const wholeNumber = z
  .string("must be a whole number")
  .regex(/^[-+]?(?:\d+|0x[\da-f]+)$/i, "must be a whole number")
  .transform(Number);

/** A duration such as `10s` (milliseconds here); a number counts nanoseconds, and 0 is none. */
export const duration = scalar.nullish().transform((value, context) => {
  if (value === null || value === undefined || value === "") return undefined;
  const parsed = parseDuration(/^\d+$/.test(value) ? Number(value) : value);
  if (parsed !== undefined && parsed >= 0) return parsed === 0 ? undefined : parsed;
  context.addIssue({ code: "custom", message: "must be a duration such as 10s or 1m" });
  return z.NEVER;
});

/** A section that may be left out. */
export function optional<S extends z.ZodType>(section: S) {
  return section.nullish().transform((value) => value ?? undefined);
}
