import { z } from "zod";
import { DURATION_PATTERN, parseDuration } from "../duration.js";
import { Secret } from "../secret.js";

/** When a key that this version doesn't have counts as used. Unused ones are harmless and pass. */
type LaterWhen =
  /** The key is there at all. */
  | "present"
  /** It has a value other than null, false, "", [] and {}. */
  | "set"
  /** The list has an entry without `disabled: true`. */
  | "enabled-entries"
  /** It is this word. */
  | { readonly equals: string };

export interface Later {
  readonly when: LaterWhen;
  /** "doesn't have … yet" */
  readonly what: string;
  /** What to do now. */
  readonly instead: string;
}

/** What is known of a key beside its zod type: for messages, for the environment, for the reference. */
export interface KeyInfo {
  /** What the key does, in a sentence or two (Markdown). */
  readonly meaning: string;
  /** Its type in the reference. */
  readonly type: string;
  /** "allowed: …" in an error. */
  readonly allowed: string;
  /** The default in the reference; absent: none. */
  readonly fallback?: string | undefined;
  /** The part of a variable's name, where it isn't the key in upper case (contract §3.2). */
  readonly env?: string | undefined;
  /** Another name that a variable may have between this section and its keys. */
  readonly envInline?: string | undefined;
  /** Go's untyped map: the environment adds keys to it, and its scalars keep their YAML type. */
  readonly untyped?: boolean | undefined;
  readonly secret?: boolean | undefined;
  readonly later?: Later | undefined;
  /** What an unknown key in this section is; a warning where absent. */
  readonly unknownKeys?: "error" | "allowed" | undefined;
  /** One of ours, which the original doesn't have. */
  readonly ours?: boolean | undefined;
}

/** The information of every documented schema. Written while this directory's modules load, and read only afterwards. */
export const keys = z.registry<KeyInfo>();

type Extra = Partial<Omit<KeyInfo, "meaning">>;

/** Attaches what is known of a key to its outermost schema. */
export function key<S extends z.ZodType>(schema: S, info: KeyInfo): S {
  keys.add(schema, info);
  return schema;
}

/** Go sets timers with nanoseconds; Node's can't wait for longer than 2^31-1 ms. */
const LONGEST_TIMER = 2 ** 31 - 1;

export function flag(fallback: boolean, meaning: string, extra: Extra = {}) {
  return key(z.boolean().default(fallback), {
    meaning,
    type: "boolean",
    allowed: "true or false, without quotes",
    fallback: String(fallback),
    ...extra,
  });
}

/** Any scalar, taken as it is written. */
export function text(meaning: string, extra: Extra = {}) {
  return key(z.string().optional(), { meaning, type: "text", allowed: "a text", ...extra });
}

/** A text that must be there and not be empty. */
export function requiredText(meaning: string, extra: Extra = {}) {
  return key(z.string().min(1), { meaning, type: "text", allowed: "a text that is not empty", ...extra });
}

export function secret(meaning: string, extra: Extra = {}) {
  const schema = z
    .string()
    .transform((value) => (value === "" ? undefined : new Secret(value)))
    .optional();
  return key(schema, { meaning, type: "text", allowed: "a text", secret: true, ...extra });
}

export interface Range {
  readonly min?: number;
  readonly max?: number;
}

export function integer(fallback: number, range: Range, meaning: string, extra: Extra = {}) {
  const info = { ...integerInfo(range, meaning), fallback: String(fallback), ...extra };
  return key(integerSchema(range).default(fallback), info);
}

/** An integer whose default depends on something else. */
export function optionalInteger(range: Range, meaning: string, extra: Extra = {}) {
  return key(integerSchema(range).optional(), { ...integerInfo(range, meaning), ...extra });
}

function integerSchema({ min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER }: Range) {
  return z.int().min(min).max(max);
}

function integerInfo(range: Range, meaning: string): KeyInfo {
  return { meaning, type: "integer", allowed: `a whole number${formatRange(range)}` };
}

function formatRange({ min, max }: Range): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  if (min !== undefined) return `, at least ${min}`;
  return max === undefined ? "" : `, at most ${max}`;
}

export interface DurationOptions {
  /** Milliseconds; 0 where absent. */
  readonly min?: number;
  /** Milliseconds; what a timer can wait where absent. */
  readonly max?: number;
  /** Refuses a bare integer, which nobody means in nanoseconds. */
  readonly textOnly?: boolean;
}

/** A Go duration, given out in whole milliseconds. */
export function duration(fallback: string, meaning: string, options: DurationOptions = {}, extra: Extra = {}) {
  const { min = 0, max = LONGEST_TIMER, textOnly = false } = options;
  const textual = z.string().regex(DURATION_PATTERN);
  const schema = z.union(textOnly ? [textual] : [textual, z.int()]).transform((value, context) => {
    const parsed = parseDuration(value);
    // Node wants whole milliseconds; rounded up, so that a tiny duration does not become 0, which often means "none".
    if (parsed !== undefined && parsed >= min && parsed <= max) return Math.ceil(parsed);
    context.addIssue({ code: "custom", message: "out of range" });
    return z.NEVER;
  });
  const bounds = `${min > 0 ? `, at least ${min / 1000}s` : ""}${max === LONGEST_TIMER ? ", at most 596h" : ""}`;
  const units = textOnly ? "" : " (a number without a unit counts nanoseconds)";
  return key(schema.prefault(fallback), {
    meaning,
    type: "duration",
    allowed: `a duration such as 300ms, 30s or 1h30m, not negative${bounds}${units}`,
    fallback,
    ...extra,
  });
}

/** A Go duration that is passed on as it is written. Bounds in milliseconds. */
export function durationText(
  fallback: string,
  { min, max }: { readonly min: number; readonly max: number },
  meaning: string,
  extra: Extra = {},
) {
  const schema = z.string().refine((value) => {
    const parsed = parseDuration(value);
    return parsed !== undefined && parsed >= min && parsed <= max;
  });
  const allowed = `a duration such as 30s or 20m, from ${min / 1000}s to ${Math.floor(max / 1000)}s`;
  return key(schema.optional(), { meaning, type: "duration", allowed, fallback, ...extra });
}

/** One of some words, in any case. An empty text is the same as none. */
export function choice<const T extends readonly [string, ...string[]]>(
  words: T,
  fallback: T[number] | undefined,
  meaning: string,
  extra: Extra = {},
) {
  const schema = z.preprocess(
    (value) => (typeof value === "string" ? (value === "" ? undefined : value.toLowerCase()) : value),
    z.enum(words).optional(),
  );
  const info = {
    meaning,
    type: words.map((word) => `\`${word}\``).join(", "),
    allowed: words.length === 1 ? words[0] : `one of ${words.join(", ")}`,
    ...(fallback === undefined ? {} : { fallback }),
    ...extra,
  };
  return key(schema.optional(), info);
}

export function list<S extends z.ZodType>(item: S, meaning: string, extra: Extra = {}) {
  return key(z.array(item).default([]), { meaning, type: "list", allowed: "a list", ...extra });
}

export function textList(meaning: string, extra: Extra = {}) {
  return list(z.string(), meaning, { type: "list of texts", allowed: "a list of texts", ...extra });
}

/** HTTP headers: a map of lists. */
export function headers(meaning: string, extra: Extra = {}) {
  const schema = z.record(
    z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/),
    z.array(z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/)),
  );
  return key(schema.default({}), {
    meaning,
    type: "map of lists",
    allowed: "a map of header names, each with a list of values, such as X-Content-Type-Options: [nosniff]",
    ...extra,
  });
}

/** A section with keys of its own, each optional. */
export function section<S extends z.ZodRawShape>(shape: S, meaning: string, extra: Extra = {}) {
  return key(z.object(shape), { meaning, type: "map", allowed: "a map", ...extra });
}

/** Any scalars, lists and maps below any keys. */
export function untypedMap(meaning: string, extra: Extra = {}) {
  const info = { meaning, type: "map", allowed: "a map", untyped: true, unknownKeys: "allowed" as const, ...extra };
  return key(z.record(z.string(), z.unknown()).optional(), info);
}
