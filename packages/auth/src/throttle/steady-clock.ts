import type { Clock } from "../ports.js";

/**
 * `clock` without backward steps: after one, time continues from the previous reading. If the system's clock is set back by an
 * hour, a wait is at most doubled instead of extended by an hour.
 */
export function steadyClock(clock: Clock): Clock {
  let last = clock();
  let lost = 0;
  return () => {
    const now = clock();
    if (now < last) lost += last - now;
    last = now;
    return now + lost;
  };
}
