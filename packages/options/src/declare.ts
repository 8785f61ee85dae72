import { z } from "zod";
import { parseBoolean } from "@longshore/base/boolean";
import { DURATION_PATTERN, parseDuration } from "@longshore/base/duration";
import { Secret } from "./secret.js";

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

export interface Unsupported {
  readonly when: LaterWhen;
  /** "doesn't support … yet" */
  readonly what: string;
  /** What to do now. */
  readonly instead: string;
  /** It can be left out without harm: a warning says so, and the registry starts. */
  readonly harmless?: boolean;
}

/** `create`: reads it, and writes it only if it is missing; `write`: writes to it, and creates it if it is missing. */
export type FileUse = "read" | "create" | "write";

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
  /** The part of a variable's name, where it isn't the key in upper case (wire contract §3.2). */
  readonly env?: string | undefined;
  /** Another name that a variable may have between this section and its keys. */
  readonly envInline?: string | undefined;
  /** Go's untyped map: the environment adds keys to it, and its scalars keep their YAML type. */
  readonly untyped?: boolean | undefined;
  /** What other software calls it, in lower case without `-` and `_`: for suggestions only. */
  readonly aliases?: readonly string[] | undefined;
  readonly secret?: boolean | undefined;
  /** What the registry does with the file or directory of this name, or with each of a list. */
  readonly file?: FileUse | undefined;
  readonly unsupported?: Unsupported | undefined;
  /** Why the key is read without being used; absent for one that works. */
  readonly noEffect?: string | undefined;
  /** What an unknown key in this section is; a warning where absent. */
  readonly unknownKeys?: "error" | "allowed" | undefined;
  /** One of ours, which Distribution doesn't have. */
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

/** The documentation of a key that is read without being used, because of `reason`: the last arguments of its declaration. */
export function unused(reason: string) {
  return [`No effect: ${reason}.`, { noEffect: reason }] as const;
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

/** Any scalar, as it is written. An empty string is the same as none: that is how a variable unsets a key of the file. */
export function text(meaning: string, extra: Extra = {}) {
  const schema = z.string().transform((value) => (value === "" ? undefined : value));
  return key(schema.optional(), { meaning, type: "string", allowed: "a string", ...extra });
}

/** A string of which an empty one differs from none. */
export function verbatimText(meaning: string, extra: Extra = {}) {
  return key(z.string().optional(), { meaning, type: "string", allowed: "a string", ...extra });
}

/** A string with a default, which an empty string also means. */
export function textOr(fallback: string, meaning: string, extra: Extra = {}) {
  const schema = z.string().transform((value) => (value === "" ? fallback : value));
  return key(schema.prefault(fallback), { meaning, type: "string", allowed: "a string", fallback, ...extra });
}

/** A string that must be present and not empty. */
export function requiredText(meaning: string, extra: Extra = {}) {
  return key(z.string().min(1), { meaning, type: "string", allowed: "a non-empty string", ...extra });
}

/** What the examples that ship with the registry have in place of a secret. */
const PLACEHOLDER = "[replace me]";

/** A string in a Secret. The placeholder of the examples, which is public, is refused. */
export function secret(meaning: string, extra: Extra = {}) {
  const schema = z
    .string()
    .refine((value) => value !== PLACEHOLDER, "this is the example's placeholder; replace it with a value of your own")
    .transform((value) => (value === "" ? undefined : new Secret(value)))
    .optional();
  return key(schema, { meaning, type: "string", allowed: "a string", secret: true, ...extra });
}

export interface Range {
  readonly min?: number;
  readonly max?: number;
}

/** An integer of which every value below 1 means the default. */
export function positiveInteger(fallback: number, range: Range, meaning: string, extra: Extra = {}) {
  const info = { ...integerInfo(range, meaning), fallback: String(fallback), ...extra };
  const schema = integerSchema(range).transform((value) => (value > 0 ? value : fallback));
  return key(schema.prefault(fallback), info);
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
  /** Refuses a bare integer, which would count nanoseconds and is never meant that way. */
  readonly textOnly?: boolean;
}

/** A Go duration, of which 0 means the default, parsed to whole milliseconds. */
export function positiveDuration(fallback: string, meaning: string, options: DurationOptions = {}, extra: Extra = {}) {
  const { schema, info } = declareDuration(options);
  const substitute = parseDuration(fallback) ?? 0;
  const positive = schema.transform((value) => (value > 0 ? value : substitute));
  return key(positive.prefault(fallback), { ...info, meaning, fallback, ...extra });
}

/** A Go duration, parsed to whole milliseconds. */
export function duration(fallback: string, meaning: string, options: DurationOptions = {}, extra: Extra = {}) {
  const { schema, info } = declareDuration(options);
  return key(schema.prefault(fallback), { ...info, meaning, fallback, ...extra });
}

function declareDuration(options: DurationOptions) {
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
  const allowed = `a duration such as 300ms, 30s or 1h30m, not negative${bounds}${units}`;
  return { schema, info: { type: "duration", allowed } };
}

/** The bounds of a duration, in milliseconds. */
interface DurationBounds {
  readonly min: number;
  readonly max: number;
}

/** A Go duration between two bounds, parsed to whole milliseconds. */
export function boundedDuration(fallback: string, bounds: DurationBounds, meaning: string, extra: Extra = {}) {
  return key(durationBetween(bounds).prefault(fallback), { ...boundedInfo(bounds, meaning), fallback, ...extra });
}

/** A Go duration as {@link boundedDuration} reads it, whose default depends on something else. */
export function optionalBoundedDuration(bounds: DurationBounds, meaning: string, extra: Extra = {}) {
  return key(durationBetween(bounds).optional(), { ...boundedInfo(bounds, meaning), ...extra });
}

function durationBetween({ min, max }: DurationBounds) {
  return z.string().transform((value, context) => {
    const parsed = parseDuration(value);
    if (parsed !== undefined && parsed >= min && parsed <= max) return Math.ceil(parsed);
    context.addIssue({ code: "custom", message: "out of range" });
    return z.NEVER;
  });
}

function boundedInfo({ min, max }: DurationBounds, meaning: string): KeyInfo {
  const allowed = `a duration such as 30s or 20m, from ${min / 1000}s to ${Math.floor(max / 1000)}s`;
  return { meaning, type: "duration", allowed };
}

/** A time of day in UTC, such as `03:30`. */
export function timeOfDay(meaning: string, extra: Extra = {}) {
  const schema = z.string().regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$/);
  return key(schema.optional(), { meaning, type: "string", allowed: 'a time of day such as "03:30"', ...extra });
}

/** A boolean in one of Distribution's untyped maps, where Go also accepts a string (`"true"`, `"1"`). */
export function looseFlag(fallback: boolean, meaning: string, extra: Extra = {}) {
  return key(looseBoolean.default(fallback), { ...LOOSE_FLAG, fallback: String(fallback), meaning, ...extra });
}

/** A boolean as {@link looseFlag} reads it, whose default depends on something else. */
export function optionalLooseFlag(meaning: string, extra: Extra = {}) {
  return key(looseBoolean.optional(), { ...LOOSE_FLAG, meaning, ...extra });
}

const LOOSE_FLAG = { type: "boolean", allowed: "true or false" };

const looseBoolean = z.union([
  z.boolean(),
  z.string().transform((value, context) => {
    const parsed = parseBoolean(value);
    if (parsed !== undefined) return parsed;
    context.addIssue({ code: "custom", message: "not a boolean" });
    return z.NEVER;
  }),
]);

/** How an integer in a string is parsed where Distribution has an untyped map. */
export interface LooseRange extends Range {
  /** Whether the leading digits count, as in Go's `%d`: "32MB" is 32. Otherwise the whole string must be a number. */
  readonly leadingDigits?: boolean;
}

/** An integer in one of Distribution's untyped maps, or a string that holds one. */
export function looseInteger(fallback: number, range: LooseRange, meaning: string, extra: Extra = {}) {
  const info = { ...integerInfo(range, meaning), fallback: String(fallback), ...extra };
  return key(looseIntegerSchema(range).default(fallback), info);
}

/** An integer as {@link looseInteger} reads it, whose default depends on something else. */
export function optionalLooseInteger(range: LooseRange, meaning: string, extra: Extra = {}) {
  return key(looseIntegerSchema(range).optional(), { ...integerInfo(range, meaning), ...extra });
}

function looseIntegerSchema({ min = -Infinity, max = Infinity, leadingDigits = false }: LooseRange) {
  const form = leadingDigits ? /^\s*[-+]?\d+/ : /^(?:0[xX][0-9a-fA-F]{1,12}|[-+]?\d{1,15})$/;
  const text = z
    .string()
    .regex(form)
    .transform((value) => (leadingDigits ? Number.parseInt(value, 10) : Number(value)));
  return z.union([z.int(), text]).refine((value) => value >= min && value <= max);
}

/** One of several words, in upper or lower case. An empty string is the same as none. */
export function choice<const T extends readonly [string, ...string[]]>(
  words: T,
  fallback: T[number],
  meaning: string,
  extra: Extra = {},
) {
  const schema = z.preprocess(lowerOrNone, z.enum(words).default(fallback));
  return key(schema.prefault(fallback), { ...choiceInfo(words, meaning), fallback, ...extra });
}

/** One of several words as {@link choice} reads it, whose default depends on something else. */
export function optionalChoice<const T extends readonly [string, ...string[]]>(
  words: T,
  meaning: string,
  extra: Extra = {},
) {
  const schema = z.preprocess(lowerOrNone, z.enum(words).optional());
  return key(schema.optional(), { ...choiceInfo(words, meaning), ...extra });
}

function lowerOrNone(value: unknown): unknown {
  if (typeof value !== "string") return value;
  return value === "" ? undefined : value.toLowerCase();
}

function choiceInfo(words: readonly string[], meaning: string): KeyInfo {
  return {
    meaning,
    type: words.map((each) => `\`${each}\``).join(", "),
    allowed: words.length === 1 ? words.join() : `one of ${words.join(", ")}`,
  };
}

export function list<S extends z.ZodType>(item: S, meaning: string, extra: Extra = {}) {
  return key(z.array(item).default([]), { meaning, type: "list", allowed: "a list", ...extra });
}

export function textList(meaning: string, extra: Extra = {}) {
  return list(z.string(), meaning, { type: "list of strings", allowed: "a list of strings", ...extra });
}

/** HTTP headers: a map of lists. */
export function headers(meaning: string, extra: Extra = {}) {
  const value = key(z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/), {
    meaning: "",
    type: "string",
    allowed: "a string without line breaks or control characters",
  });
  const schema = z.record(
    z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/),
    key(z.array(value), {
      meaning: "",
      type: "list of strings",
      allowed: "a list of values, such as [nosniff]",
    }),
  );
  return key(schema.default({}), {
    meaning,
    type: "map of lists",
    allowed: "a map of header names, each with a list of values, such as X-Content-Type-Options: [nosniff]",
    ...extra,
  });
}

/** One of several words as spelled here, or with `anyCase` in upper or lower case. */
export function word<const T extends readonly [string, ...string[]]>(
  words: T,
  fallback: T[number],
  meaning: string,
  { anyCase = false, ...extra }: Extra & { readonly anyCase?: boolean } = {},
) {
  const spelled = (value: unknown): unknown =>
    words.find((each) => anyCase && typeof value === "string" && each.toLowerCase() === value.toLowerCase()) ?? value;
  const schema = z.preprocess(spelled, z.enum(words).default(fallback));
  const type = words.map((each) => `\`${each}\``).join(", ");
  return key(schema, { meaning, type, allowed: `one of ${words.join(", ")}`, fallback, ...extra });
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
