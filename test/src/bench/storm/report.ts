import { formatMemory } from "../table.js";
import { STORM, type StormFigures, type StormReport } from "./measure.js";

const MIB = 1024 * 1024;

/** The report of the `storm` group, a line for each registry. */
export function formatStormReport({ figures, load }: StormReport): string {
  return [
    `${STORM.clients} clients pull ${STORM.layers} layers of ${STORM.layerBytes / MIB} MiB from ${STORM.replicas} replicas over one storage`,
    ...figures.flatMap(describe),
    `load of the machine: ${load.map((each) => each.toFixed(1)).join(" to ")}`,
  ].join("\n");
}

function describe({ name, seconds, rate, cpu, memory }: StormFigures): string[] {
  const rounds = seconds.map((each) => `${each.toFixed(1)} s`).join(", ");
  return [
    `${name}: ${(rate / MIB).toFixed(0)} MiB/s (rounds: ${rounds}), ${(cpu * 1000).toFixed(1)} ms CPU a pull`,
    `  peak memory: ${formatMemory(memory)}`,
  ];
}
