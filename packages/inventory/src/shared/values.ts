/** A value of another type than a format has there. */
class UnexpectedValue extends Error {}

export function refuse(): never {
  throw new UnexpectedValue();
}

/** Each returns the value if it is what its name says. Throws {@link UnexpectedValue}. */
export function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : refuse();
}

export const array = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : refuse());
export const text = (value: unknown): string => (typeof value === "string" ? value : refuse());
export const time = (value: unknown): number => (typeof value === "number" ? value : refuse());
export const count = (value: unknown): number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : refuse();

/** One of `values`. */
export function oneOf<const T extends string>(value: unknown, values: readonly T[]): T {
  return values.find((each) => each === value) ?? refuse();
}

/** What `read` makes of JSON; undefined if it is none, or has a value that isn't expected. */
export function parseValue<T>(json: string, read: (value: unknown) => T): T | undefined {
  try {
    return read(JSON.parse(json));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof UnexpectedValue) return undefined;
    throw error;
  }
}
