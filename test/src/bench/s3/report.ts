import { formatMemory } from "../table.js";
import { type S3Report, type Subject, WAYS } from "./measure.js";

const MIB = 1024 * 1024;
/** Of what the SDK alone gets out of the storage server. */
const AIM = 0.85;

/** The report of the `s3` group, a line each, and whether every aim was met. */
export function formatS3Report({ figures, memory }: S3Report): { readonly text: string; readonly met: boolean } {
  let met = true;
  const lines = WAYS.map((way) => {
    const of = (subject: Subject) => figures.get(way)?.get(subject) ?? { rate: Number.NaN, cpu: Number.NaN };
    const [alone, ours, theirs] = [of("SDK alone"), of("longshore"), of("docker-registry")];
    const share = ours.rate / alone.rate;
    met &&= share >= AIM;
    return (
      `${way}: SDK alone ${speed(alone.rate)}; ours ${speed(ours.rate)} = ${(share * 100).toFixed(0)} % of it ` +
      `(aim >= ${AIM * 100} %: ${share >= AIM ? "met" : "MISSED"}), ${ours.cpu.toFixed(1)} s CPU a GiB; ` +
      `theirs ${speed(theirs.rate)}, ${theirs.cpu.toFixed(1)} s CPU a GiB; ours beside theirs ${(ours.rate / theirs.rate).toFixed(2)}x`
    );
  });
  const peaks = [...memory].map(([subject, processes]) => `peak memory of ${subject}: ${formatMemory(processes)}`);
  return { text: [...lines, ...peaks].join("\n"), met };
}

function speed(rate: number): string {
  return `${(rate / MIB).toFixed(0)} MiB/s`;
}
