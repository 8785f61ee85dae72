/** The claims of a token whose signature was verified. */
export type Claims = Readonly<Record<string, unknown>>;

/**
 * The texts of a claim: those of a list in their order; of a number or a boolean as JSON spells it; none for a claim that is
 * absent, null or a map. `path` names it as it stands in the token, with dots between levels (`kubernetes.io.pod.name`); a
 * name that has dots itself wins over a nested one.
 */
export function claimTexts(claims: Claims, path: string): readonly string[] {
  return textsOf(claimAt(claims, path));
}

/** The texts of a claim's value. */
export function textsOf(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((each: unknown) => scalarText(each) ?? []);
  const text = scalarText(value);
  return text === undefined ? [] : [text];
}

function scalarText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}

function claimAt(claims: unknown, path: string): unknown {
  if (!isMap(claims)) return undefined;
  if (Object.hasOwn(claims, path)) return claims[path];
  // The longest name first: `kubernetes.io` of `kubernetes.io.pod.name`.
  for (let dot = path.lastIndexOf("."); dot > 0; dot = path.lastIndexOf(".", dot - 1)) {
    const name = path.slice(0, dot);
    if (Object.hasOwn(claims, name)) return claimAt(claims[name], path.slice(dot + 1));
  }
  return undefined;
}

/** Whether `value` is a JSON object. */
export function isMap(value: unknown): value is Claims {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
