import { compileWildcard, type Wildcard } from "@longshore/base/wildcard";
import { isMap, textsOf, type Claims } from "./claim-values.js";

/** What a claim must be: one of `patterns` matches one of its texts. */
export interface ClaimCondition {
  /** The names from the outermost map of the token to the claim. */
  readonly path: readonly string[];
  readonly patterns: readonly Wildcard[];
}

/** A condition can't be compiled; `path` leads to it within the option. */
export class ClaimRuleError extends Error {
  override readonly name = "ClaimRuleError";
  readonly path: readonly string[];

  constructor(path: readonly string[], message: string) {
    super(message);
    this.path = path;
  }
}

const DEEPEST = 5;

/**
 * The conditions that an option `claims` writes down: a map of claims, nested where the token's claims are, to a pattern or a
 * list of patterns. Throws {@link ClaimRuleError}.
 */
export function compileClaims(option: Claims, path: readonly string[] = []): readonly ClaimCondition[] {
  return Object.entries(option).flatMap(([name, value]) => {
    const place = [...path, name];
    if (!isMap(value)) return [{ path: place, patterns: compilePatterns(value, place) }];
    if (place.length >= DEEPEST) throw new ClaimRuleError(place, `claims are nested deeper than ${DEEPEST} levels`);
    const nested = compileClaims(value, place);
    if (nested.length === 0) throw new ClaimRuleError(place, "the map is empty: name the claim to look at");
    return nested;
  });
}

function compilePatterns(value: unknown, path: readonly string[]): readonly Wildcard[] {
  const texts = textsOf(value);
  if (texts.length === 0) throw new ClaimRuleError(path, "a pattern or a list of patterns is needed");
  const unsafe = [value].flat().some((each) => typeof each === "number" && !Number.isSafeInteger(each));
  if (unsafe) throw new ClaimRuleError(path, "put the number in quotes: it is too large to be read exactly");
  return texts.map((text) => {
    try {
      return compileWildcard(text);
    } catch (error) {
      throw new ClaimRuleError(path, error instanceof Error ? error.message : "the pattern can't be read");
    }
  });
}

/** The first condition that `claims` don't meet; undefined if they meet all. A claim that is absent meets none. */
export function findUnmet(conditions: readonly ClaimCondition[], claims: Claims): ClaimCondition | undefined {
  return conditions.find(({ path, patterns }) => {
    const texts = textsOf(valueAt(claims, path));
    return !texts.some((text) => patterns.some((pattern) => pattern.matches(text)));
  });
}

/** Whether a condition asks for nothing but that the claim is there: a pattern of it consists of stars. */
export function isIdle({ patterns }: ClaimCondition): boolean {
  return patterns.some((pattern) => pattern.matches("") && pattern.matches("x"));
}

function valueAt(claims: Claims, [name = "", ...rest]: readonly string[]): unknown {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
  if (rest.length === 0) return value;
  return isMap(value) ? valueAt(value, rest) : undefined;
}
