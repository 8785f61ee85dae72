import type { IncomingMessage } from "node:http";

/**
 * Whether a browser asks for something to show it: in a tab, a frame, as an image (Fetch Metadata §2.1). Clients say nothing of the kind, nor do
 * browsers over plain HTTP.
 */
export function isToBeShown({ headers }: Pick<IncomingMessage, "headers">): boolean {
  const destination = headers["sec-fetch-dest"];
  return destination !== undefined && destination !== "empty";
}
