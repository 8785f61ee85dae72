import type { Step } from "../context.js";
import { awaitsContinue, NO_LINES } from "./respond.js";

/** The first step: prepares `ctx.state`, and makes {@link respond} send the response instead of Koa. */
export const takeOver: Step = (context, next) => {
  context.respond = false;
  const { state, req } = context;
  state.corsLines = NO_LINES;
  state.awaitsContinue = awaitsContinue(req);
  state.isPersonal = false;
  return next();
};
