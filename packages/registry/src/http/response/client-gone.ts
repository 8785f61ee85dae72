import type { ServerResponse } from "node:http";
import type { Http2ServerResponse } from "node:http2";
import { ClientGone } from "../../errors/api-error.js";

type AnyResponse = ServerResponse | Http2ServerResponse;

/** Whether nobody waits for `response` any more: it was sent, or its client has gone. */
export function isClosed(response: AnyResponse): boolean {
  // Node's response of HTTP/2 is never `destroyed`; its socket alone shows it, which one of HTTP/1 that waits for its turn has as null.
  const socket: unknown = response.socket;
  return response.destroyed || socket === undefined;
}

/** Whether all of `response` was sent. */
export function isComplete(response: AnyResponse): boolean {
  // A stream of HTTP/2 that was cancelled counts as finished, without an end.
  return response.writableEnded && response.writableFinished;
}

/** A signal that aborts with {@link ClientGone} if the client of `response` goes, or has gone, before the response is complete. */
export function goneSignal(response: AnyResponse): AbortSignal {
  const controller = new AbortController();
  const onClose = (): void => {
    if (!isComplete(response)) controller.abort(new ClientGone());
  };
  if (isClosed(response)) onClose();
  else response.once("close", onClose);
  return controller.signal;
}
