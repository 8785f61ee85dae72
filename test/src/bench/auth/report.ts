import type { AuthReport, Cost } from "./measure.js";

/** p99 of authorised pulls under attack is to stay within so many times of quiet. */
const ATTACK_AIM = 3;

/** The report of the `auth` group, a line each, and whether every aim was met. */
export function formatAuthReport(report: AuthReport): { readonly text: string; readonly met: boolean } {
  const { withoutAuth, schemes, attacks } = report;
  let met = true;
  const verdict = (holds: boolean): string => {
    met &&= holds;
    return holds ? "met" : "MISSED";
  };
  const part = (value: number, whole: number): string =>
    `${((value / whole) * 100).toFixed(value / whole < 0.02 ? 2 : 0)} %`;
  const lines = [
    `no auth: ours ${cost(withoutAuth.ours)}, theirs ${cost(withoutAuth.theirs)}`,
    ...schemes.map(
      ({ name, aim, ours, theirs }) =>
        `${name}: ours ${cost(ours)} = ${part(ours.rate, withoutAuth.ours.rate)} of no auth ` +
        `(aim >= ${aim * 100} %: ${verdict(ours.rate / withoutAuth.ours.rate >= aim)}), ` +
        `theirs ${cost(theirs)} = ${part(theirs.rate, withoutAuth.theirs.rate)}`,
    ),
    ...attacks.map(({ name, quiet, attacked, attempts }) => {
      const times = attacked / quiet;
      const aim = name === "longshore" ? ` (aim <= ${ATTACK_AIM}x: ${verdict(times <= ATTACK_AIM)})` : "";
      const tried = Object.entries(attempts).map(([status, count]) => `${count} x ${status}`);
      return (
        `100 clients with wrong passwords, ${name}: p99 of authorised pulls ${quiet.toFixed(2)} ms quiet, ` +
        `${attacked === Infinity ? "not one answer while" : `${attacked.toFixed(2)} ms = ${times.toFixed(1)}x`} attacked${aim}; ` +
        `attempts: ${tried.join(", ")}`
      );
    }),
  ];
  return { text: lines.join("\n"), met };
}

function cost({ rate, cpu }: Cost): string {
  return `${rate.toFixed(0)}/s (${(cpu * 1e6).toFixed(0)} us CPU each)`;
}
