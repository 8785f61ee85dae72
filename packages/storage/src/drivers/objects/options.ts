import { HOUR } from "@longshore/base/duration";
import { boundedDuration, looseInteger } from "@longshore/options/declare";

const OURS = { ours: true };
const TIME = { min: 100, max: HOUR };

/**
 * What all drivers over object storage have: how many connections, how long things may take, and what follows failures. `form`: how
 * Distribution's driver of that service reads numbers.
 */
export function serviceOptions(form: { readonly leadingDigits?: boolean } = {}) {
  return {
    maxsockets: looseInteger(256, { min: 1, max: 65_536, ...form }, "Connections of a worker to the service.", OURS),
    connecttimeout: boundedDuration("5s", TIME, "For a connection to be made.", OURS),
    requesttimeout: boundedDuration("30s", TIME, "For the next sign of life of a request.", OURS),
    retrydeadline: boundedDuration("60s", TIME, "How long a failed request is retried. Then the answer is 503.", OURS),
    maxattempts: looseInteger(6, { min: 1, max: 100, ...form }, "Attempts in that time, the first one included.", OURS),
    circuitthreshold: looseInteger(
      20,
      { min: 0, max: 1_000_000, ...form },
      "Failures in a row after which a worker asks the service nothing for `circuittime` and answers 503 at once; 0: never.",
      OURS,
    ),
    circuittime: boundedDuration("5s", TIME, "How long, before one request tries again.", OURS),
  };
}
