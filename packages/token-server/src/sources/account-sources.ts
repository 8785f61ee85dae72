import type { ChosenSource } from "../contract.js";

/** The names of sources that accounts of people can be in: a personal access token is no account of its own. */
export function accountSources(sources: readonly ChosenSource[]): readonly string[] {
  return sources.map(({ kind }) => kind).filter((kind) => kind !== "personal");
}
