import { claimTexts, type Claims } from "./claim-values.js";

/** A text with the places where claims are inserted: `gitlab/${project_path}`. */
export interface ClaimTemplate {
  /** The text before the first claim. */
  readonly prefix: string;
  readonly claims: readonly string[];
  /**
   * The text with each claim's only value inserted; undefined if one has none or several. Nothing in a value is read as a
   * template again.
   */
  fill(claims: Claims): string | undefined;
  /** The texts with each value of the first claim that is a list; empty where a claim is absent. */
  fillAll(claims: Claims): readonly string[];
}

const PLACE = /\$\{([^}]*)\}/g;

const MOST_VALUES = 100;

/** Reads a template. Throws an Error, with a message for people, where a place is empty or isn't closed. */
export function compileTemplate(text: string): ClaimTemplate {
  const claims = Array.from(text.matchAll(PLACE), ([, name = ""]) => name);
  if (claims.some((name) => name === "")) throw new Error("${} doesn't name a claim");
  const literals = text.split(/\$\{[^}]*\}/);
  if (literals.some((literal) => literal.includes("${"))) throw new Error("${ isn't closed by }");

  function join(values: readonly string[]): string {
    return literals.map((literal, index) => `${literal}${values[index] ?? ""}`).join("");
  }

  return {
    prefix: literals[0] ?? "",
    claims,
    fill(token) {
      const values = claims.map((name) => claimTexts(token, name));
      if (values.some((texts) => texts.length !== 1)) return undefined;
      return join(values.map(([only = ""]) => only));
    },
    fillAll(token) {
      const values = claims.map((name) => claimTexts(token, name));
      if (values.some((texts) => texts.length === 0)) return [];
      const list = values.findIndex((texts) => texts.length > 1);
      if (list < 0) return [join(values.map(([only = ""]) => only))];
      const varied = values[list]?.slice(0, MOST_VALUES) ?? [];
      return varied.map((text) => join(values.map(([only = ""], index) => (index === list ? text : only))));
    },
  };
}
