import { inspect } from "node:util";

const REDACTED = "[redacted]";

/**
 * A value that must never be printed. Whatever turns it into text (a template, JSON, a logger, `console.log`) gets
 * `[redacted]`; only {@link Secret.reveal} gives the value, so that every use of a secret can be found by that name.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. Hand it to what needs it, and keep it nowhere. */
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
