import { inspect } from "node:util";

const REDACTED = "[redacted]";

/**
 * A value that must never be printed. Whatever turns it into text (a template, JSON, a logger, `console.log`) gets
 * `[redacted]`; only {@link Secret.reveal} returns the value, so that every use of a secret can be found by that name.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. Pass it to what needs it, and don't keep it. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}

/** The values of all secrets in a part of the configuration: a log must never show them, wherever they come from. */
export function secretsIn(value: unknown): string[] {
  if (value instanceof Secret) return [value.reveal()];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(secretsIn);
}
