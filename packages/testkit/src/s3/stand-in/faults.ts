import type { SeenRequest } from "./log.js";

/** What goes wrong instead of, or with, an answer. Milliseconds and bytes. */
export type Fault =
  /** An error in place of the answer; nothing is done. */
  | { readonly kind: "error"; readonly status: number; readonly code: string; readonly retryAfter?: number }
  /** The connection is reset before anything is done. */
  | { readonly kind: "reset" }
  /** The request is carried out, and the connection reset in place of the answer. */
  | { readonly kind: "lost-answer" }
  /** The answer's headers and so many bytes of its body, then the connection ends as if that were all. */
  | { readonly kind: "truncate"; readonly after: number }
  /** The answer's headers and so many bytes of its body, then the connection is reset. */
  | { readonly kind: "reset-in-body"; readonly after: number }
  /** A pause before the request is carried out. */
  | { readonly kind: "stall"; readonly milliseconds: number }
  /** A pause within the answer's body. */
  | { readonly kind: "stall-in-body"; readonly after: number; readonly milliseconds: number };

export const SLOW_DOWN = { kind: "error", status: 503, code: "SlowDown" } as const satisfies Fault;
export const INTERNAL_ERROR: Fault = { kind: "error", status: 500, code: "InternalError" };

interface FaultRule<R> {
  readonly fault: Fault;
  /** Which requests it meets; every one unless told. */
  readonly when?: (request: R) => boolean;
  /** How often it strikes; always unless told. */
  readonly times?: number;
}

/** A rule at work. */
interface ActiveFault {
  /** How often it has struck. */
  readonly hits: number;
  remove(): void;
}

/** The faults of one server. The first rule that meets a request decides. */
export interface Faults<R = SeenRequest> {
  add(rule: FaultRule<R>): ActiveFault;
  clear(): void;
  /** The fault that strikes this request. */
  strike(request: R): Fault | undefined;
}

export function createFaults<R = SeenRequest>(): Faults<R> {
  const active = new Set<{ readonly rule: FaultRule<R>; hits: number }>();
  return {
    add(rule) {
      const entry = { rule, hits: 0 };
      active.add(entry);
      return {
        get hits() {
          return entry.hits;
        },
        remove: () => void active.delete(entry),
      };
    },
    clear: () => active.clear(),
    strike(request) {
      for (const entry of active) {
        const { fault, when, times = Infinity } = entry.rule;
        if (entry.hits >= times || when?.(request) === false) continue;
        entry.hits += 1;
        return fault;
      }
      return undefined;
    },
  };
}
