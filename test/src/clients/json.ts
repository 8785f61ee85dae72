/** Reads a value of unknown shape step by step; undefined as soon as a step isn't there. */
export function pick(value: unknown, ...steps: readonly (string | number)[]): unknown {
  let current = value;
  for (const step of steps) {
    if (typeof current !== "object" || current === null) {
      return undefined;
    }
    current = Object.getOwnPropertyDescriptor(current, step)?.value;
  }
  return current;
}

/** The text at that place. Throws if there is none. */
export function pickText(value: unknown, ...steps: readonly (string | number)[]): string {
  const found = pick(value, ...steps);
  if (typeof found !== "string") {
    throw new Error(`no text at ${steps.join(".")} of ${JSON.stringify(value)}`);
  }
  return found;
}

/** The list at that place; empty if there is none. */
export function pickList(value: unknown, ...steps: readonly (string | number)[]): readonly unknown[] {
  const found: unknown = pick(value, ...steps);
  return Array.isArray(found) ? found : [];
}

/** JSON text or bytes as a value of unknown shape. */
export function parseJson(text: string | Uint8Array): unknown {
  const value: unknown = JSON.parse(typeof text === "string" ? text : Buffer.from(text).toString("utf8"));
  return value;
}
