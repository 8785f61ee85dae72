import { toWireJson } from "../../errors/json.js";

/** The JSON body of a list. */
export type ListBodies = (page: readonly string[], content: () => unknown) => Uint8Array;

/** Bodies of lists, each made once for as long as its items are the same array: stores keep those that are asked for often. */
export function createListBodies(): ListBodies {
  const bodies = new WeakMap<readonly string[], Uint8Array>();
  return (items, content) => {
    const known = bodies.get(items);
    if (known !== undefined) return known;
    const body = Buffer.from(toWireJson(content()));
    bodies.set(items, body);
    return body;
  };
}
