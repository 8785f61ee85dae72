import { randomBytes } from "node:crypto";

/**
 * Makes ids for requests, in the shape of UUIDs: a counter follows the process's random part, which costs a fraction of
 * generating each at random. They identify lines of a log and aren't secret.
 */
export function createRequestIds(): () => string {
  const hex = randomBytes(10).toString("hex");
  const prefix = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-`;
  let count = 0;
  return () => {
    count += 1;
    return prefix + count.toString(16).padStart(12, "0");
  };
}
