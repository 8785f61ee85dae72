import { RATE_AIM, type TokenReport } from "./measure.js";

/** p99 of others is to stay within so many times of quiet, and what is too short to tell on a busy machine (ms). */
const DELAY_AIM = 3;
const NEGLIGIBLE = 20;

/** The report of the `tokens` group, a line each, and whether every aim was met. */
export function formatTokenReport({ rates, delays }: TokenReport): { readonly text: string; readonly met: boolean } {
  let met = true;
  const verdict = (holds: boolean): string => {
    met &&= holds;
    return holds ? "met" : "MISSED";
  };
  const isShort = (quiet: number, busy: number): boolean => busy <= Math.max(DELAY_AIM * quiet, NEGLIGIBLE);
  const lines = [
    ...rates.map(
      ({ name, rate, cpu }) =>
        `${name}: ${rate.toFixed(0)}/s, ${(cpu * 1e6).toFixed(0)} us CPU each = ${(1 / cpu).toFixed(0)} per second of one core ` +
        `(aim >= ${RATE_AIM}: ${verdict(1 / cpu >= RATE_AIM)})`,
    ),
    ...delays.map(
      ({ name, quiet, hashing, hanging }) =>
        `${name}: p99 ${quiet.toFixed(1)} ms quiet, ${hashing.toFixed(1)} ms while 50 wrong passwords are hashed, ` +
        `${hanging.toFixed(1)} ms while 50 logins wait for a directory that hangs ` +
        `(aim <= ${DELAY_AIM}x or ${NEGLIGIBLE} ms: ${verdict(isShort(quiet, hashing) && isShort(quiet, hanging))})`,
    ),
  ];
  return { text: lines.join("\n"), met };
}
