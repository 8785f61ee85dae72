import type { UpstreamStatus } from "@longshore/mirror";
import { describe, expect, it } from "vitest";
import { upstreamStates } from "../../src/mirroring/upstream-states.js";

const at = (second: number): Date => new Date(1_000_000 + second * 1000);

const UPSTREAM = {
  label: "hub",
  prefix: "hub",
  options: { remoteurl: "https://ada:secret@hub.test:5000/v2?key=secret" },
};
const SHOWN = { name: "hub", prefix: "hub", host: "hub.test:5000" };

/** What is shown where each process has one of these statuses. */
function shown(...statuses: readonly UpstreamStatus[]): unknown {
  const [state] = upstreamStates(
    [UPSTREAM],
    statuses.map((status) => new Map([["hub", status]])),
  );
  return state;
}

describe("an upstream's state", () => {
  it("is unasked at first, and while no process tells", () => {
    expect(shown({}, {})).toEqual({ ...SHOWN, state: "unasked", processes: 2 });
    expect(shown()).toEqual({ ...SHOWN, state: "unasked", processes: 0 });
  });

  it("is that of the latest request of any process", () => {
    const lastError = { message: "it answered 503", at: at(5) };
    const away = { failure: { message: lastError.message, since: at(3) }, lastError };
    expect(shown({ lastSuccess: at(4) }, away)).toEqual({
      ...SHOWN,
      ...{ state: "unreachable", failingSince: at(3), lastSuccess: at(4), lastError, processes: 2 },
    });
    expect(shown(away, { lastSuccess: at(6) })).toEqual({
      ...SHOWN,
      ...{ state: "reachable", lastSuccess: at(6), lastError, processes: 2 },
    });
  });

  it("is paused while one process pauses, whatever others see", () => {
    const limited = { message: "it answered 429", at: at(1) };
    const limit = { limit: 100, remaining: 0 };
    const pausing = (second: number, reason: "rate-limit" | "failures"): UpstreamStatus => ({
      pause: { until: at(second), reason },
      lastError: limited,
      rateLimit: limit,
    });
    expect(shown(pausing(20, "failures"), pausing(30, "rate-limit"), { lastSuccess: at(9) })).toEqual({
      ...SHOWN,
      state: "paused",
      pause: { until: at(30), reason: "rate-limit", processes: 2 },
      ...{ lastSuccess: at(9), lastError: limited, rateLimit: limit, processes: 3 },
    });
  });

  it("is reachable where a request was refused", () => {
    const lastError = { message: "it answered 401", at: at(2) };
    expect(shown({ lastSuccess: at(1), lastError })).toMatchObject({ state: "reachable", lastError });
  });
});
