import type { Exchange } from "../../exchange.js";
import type { Answer, AnswerName } from "../answers.js";

/** Sends an answer of the extension API. It depends on who asks, so nothing on the way may keep it. */
export function answer<N extends AnswerName>(
  exchange: Exchange,
  status: number,
  document: Answer<N>,
  headers: readonly string[] = [],
): void {
  answerText(exchange, status, `${JSON.stringify(document)}\n`, headers);
}

/** The same for a document that is JSON already. */
export function answerText(
  exchange: Exchange,
  status: number,
  json: string | Uint8Array,
  headers: readonly string[] = [],
): void {
  exchange.json(status, json, ["Cache-Control", "no-store", ...headers]);
}
