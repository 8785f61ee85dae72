import { isAuthError } from "@longshore/auth";
import { noteRefusal } from "../access/access-outcome.js";
import { discardSmallBody } from "../body/unread-body.js";
import type { MatchedStep } from "../context.js";
import { sendFailure } from "../response/failure.js";

/** Turns errors thrown by later steps into responses, and reports the request's outcome to its observer. */
export const answerFailures: MatchedStep = (next) => async (matched) => {
  const { exchange } = matched;
  try {
    await next(matched);
  } catch (error) {
    if (isAuthError(error)) noteRefusal(exchange.shared, exchange.request, error);
    await discardSmallBody(exchange.request, exchange.to.state.awaitsContinue);
    sendFailure(exchange.shared, exchange.to, error);
  }
  exchange.finish();
};
