import { DriverParameterError } from "../parameters.js";

/** Parameters as the configuration has them: a map of anything. */
export type RawParameters = Readonly<Record<string, unknown>>;

/** The name in errors about parameters. */
const DRIVER = "s3";

/** What is wrong with one parameter. The texts are the original's where it has one (contract §6.4). */
export function wrong(parameter: string, message: string): DriverParameterError {
  return new DriverParameterError(DRIVER, parameter, message);
}

/** `parameters` as a map. Nothing at all counts as an empty one. */
export function toRawParameters(parameters: unknown): RawParameters {
  if (parameters === undefined || parameters === null) return {};
  if (typeof parameters !== "object" || Array.isArray(parameters)) {
    throw new DriverParameterError(DRIVER, undefined, `${DRIVER}: the parameters are not a map`);
  }
  return Object.fromEntries(Object.entries(parameters));
}

function show(value: unknown): string {
  if (typeof value === "string") return value;
  return ["object", "number", "boolean"].includes(typeof value) ? JSON.stringify(value) : typeof value;
}

function isAbsent(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

/** A scalar as a text; "" where it isn't given. */
export function textOf(raw: RawParameters, name: string): string {
  const value = raw[name];
  if (isAbsent(value)) return "";
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") return String(value);
  throw wrong(name, `the ${name} parameter should be a text`);
}

const TRUE = new Set(["1", "t", "T", "TRUE", "true", "True"]);
const FALSE = new Set(["0", "f", "F", "FALSE", "false", "False"]);

/** A boolean, or what Go reads as one; undefined where it isn't given. */
export function optionalFlagOf(raw: RawParameters, name: string): boolean | undefined {
  const value = raw[name];
  if (isAbsent(value)) return undefined;
  if (typeof value === "boolean") return value;
  if (typeof value === "string") {
    if (TRUE.has(value)) return true;
    if (FALSE.has(value)) return false;
  }
  throw wrong(name, `the ${name} parameter should be a boolean`);
}

/** As {@link optionalFlagOf}, with a default. */
export function flagOf(raw: RawParameters, name: string, fallback: boolean): boolean {
  return optionalFlagOf(raw, name) ?? fallback;
}

/** Where an integer is wanted. */
export interface Bounds {
  readonly fallback: number;
  readonly least: number;
  readonly most: number;
}

/** An integer. Of a text the leading digits count, as the original reads them: "32MB" is 32, and then out of range. */
export function integerOf(raw: RawParameters, name: string, { fallback, least, most }: Bounds): number {
  const given = raw[name];
  let value = fallback;
  if (!isAbsent(given)) {
    const digits = /^\s*([-+]?\d+)/.exec(show(given))?.[1];
    if (digits === undefined) throw wrong(name, `${name} parameter must be an integer, ${show(given)} invalid`);
    value = Number(digits);
  }
  if (value < least || value > most) {
    throw wrong(name, `the ${name} ${value} parameter should be a number between ${least} and ${most} (inclusive)`);
  }
  return value;
}

const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/;

/** A duration such as `300ms`, `20m` or `1h30m`, in milliseconds. Bounds likewise. */
export function durationOf(raw: RawParameters, name: string, { fallback, least, most }: Bounds): number {
  const given = raw[name];
  if (isAbsent(given)) return fallback;
  const range = `from ${least / 1000}s to ${most / 1000}s`;
  const refuse = (): DriverParameterError =>
    wrong(name, `the ${name} parameter should be a duration such as 30s or 20m, ${range}; found ${show(given)}`);
  if (typeof given !== "string" || !DURATION.test(given)) throw refuse();
  let total = 0;
  for (const [, count, unit] of given.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    total += Number(count) * (MILLISECONDS[unit ?? ""] ?? Number.NaN);
  }
  if (!(total >= least && total <= most)) throw refuse();
  return Math.ceil(total);
}

/** One of `allowed`, or undefined where it isn't given; `read` brings what was written into the form of `allowed`. */
export function wordOf<T extends string>(
  raw: RawParameters,
  name: string,
  allowed: readonly T[],
  read: (text: string) => string,
  message: (given: string) => string,
): T | undefined {
  const given = raw[name];
  if (isAbsent(given)) return undefined;
  const wanted = typeof given === "string" ? read(given) : undefined;
  const word = allowed.find((one) => one === wanted);
  if (word === undefined) throw wrong(name, message(show(given)));
  return word;
}
