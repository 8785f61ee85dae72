import { LRUCache } from "lru-cache";
import { isUpstreamError, type UpstreamError } from "./upstream/errors.js";

/** Remembers for a short time what an upstream refused, so that it isn't asked again by every client. */
export interface Refusals {
  /** What `question` resolves to; without asking it, the refusal that it met before. */
  through<T>(about: string, question: () => Promise<T>): Promise<T>;
  /** Remembers that `error` is what a question about `about` meets. */
  remember(about: string, error: UpstreamError): void;
  /** Forgets what is remembered of `about`. */
  forget(about: string): void;
}

/** The most refusals that are remembered, at some 500 bytes each. */
const REMEMBERED = 10_000;

/** `milliseconds`: for how long; 0: not at all. */
export function createRefusals(milliseconds: number): Refusals {
  const refusals = new LRUCache<string, UpstreamError>({ max: REMEMBERED, ttl: Math.max(1, milliseconds) });
  const remember = (about: string, error: UpstreamError): void => {
    if (milliseconds > 0 && isLasting(error)) refusals.set(about, error);
  };
  return {
    remember,
    async through(about, question) {
      const known = refusals.get(about);
      if (known !== undefined) throw known;
      try {
        return await question();
      } catch (error) {
        if (isUpstreamError(error)) remember(about, error);
        throw error;
      }
    },
    forget: (about) => void refusals.delete(about),
  };
}

/** Whether asking again at once makes no sense. An upstream that fails or limits us is refused by its own circuit already. */
function isLasting({ code }: UpstreamError): boolean {
  return code === "NOT_FOUND" || code === "DENIED" || code === "INVALID_ANSWER" || code === "REFUSED";
}
