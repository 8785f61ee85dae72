import { SpanKind, type Span } from "@opentelemetry/api";
import { isAuthError, type AccessController, type Grant } from "@longshore/auth";
import { failSpan, type Spans } from "./spans.js";

/** Wraps a controller so that each decision has a span with its duration and outcome. The user is on the request's span. */
export function traceAccess(controller: AccessController, spans: Spans): AccessController {
  return {
    name: controller.name,
    ...(controller.tokens === undefined ? {} : { tokens: controller.tokens }),
    ...(controller.pages === undefined ? {} : { pages: controller.pages }),
    ...(controller.ways === undefined ? {} : { ways: controller.ways }),
    ...(controller.logins === undefined ? {} : { logins: controller.logins }),
    ...(controller.reload === undefined ? {} : { reload: () => controller.reload?.() ?? Promise.resolve() }),
    close: () => controller.close(),
    authorize(request, accesses, options) {
      const open = spans.begin("Authorize", SpanKind.INTERNAL, {
        "longshore.auth.controller": controller.name,
        "longshore.auth.accesses": accesses.map(({ type, name, action }) => `${type}:${name}:${action}`),
      });
      try {
        const granted = spans.within(open, () => controller.authorize(request, accesses, options));
        if (granted instanceof Promise) return followUp(granted, open.span);
        allow(open.span);
        return granted;
      } catch (error) {
        refuse(open.span, error);
        throw error;
      }
    },
  };
}

async function followUp(granted: Promise<Grant>, span: Span): Promise<Grant> {
  try {
    const grant = await granted;
    allow(span);
    return grant;
  } catch (error) {
    refuse(span, error);
    throw error;
  }
}

function allow(span: Span): void {
  span.setAttribute("longshore.auth.outcome", "allowed");
  span.end();
}

/** A refusal is a valid outcome; only a controller that couldn't decide has failed. */
function refuse(span: Span, error: unknown): void {
  if (isAuthError(error) && error.fault.code !== "UNAVAILABLE") {
    span.setAttribute("longshore.auth.outcome", error.fault.code.toLowerCase());
    span.end();
  } else {
    failSpan(span, error);
  }
}
