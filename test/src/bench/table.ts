import type { Comparison, GroupReport } from "./compare.js";
import type { ProcessMemory } from "./process-tree.js";

const MIB = 1024 * 1024;
const HEADINGS = [
  ...["operation", "theirs", "", "ours", "", "ratio", "aim", ""],
  ...["CPU theirs", "CPU ours", "ratio", "aim", ""],
  ...["bare Node", "ours", "CPU bare", "ours", "load"],
];

/** The group's table, and below it the memory of each process. */
export function formatReport(report: GroupReport): string {
  const lines = formatTable([HEADINGS, ...report.comparisons.map(formatRow)]);
  const memory = [...report.memory].map(([name, processes]) => `peak memory of ${name}: ${formatMemory(processes)}`);
  return [...lines, "", ...memory].join("\n");
}

/** The group's figures for a program to read: rates in operations a second, CPU in seconds an operation, memory in bytes. */
export function figuresOf(report: GroupReport): Readonly<Record<string, unknown>> {
  const rows = report.comparisons.map(({ operation, ...figures }) => ({
    operation: operation.name,
    aim: operation.aim,
    ...figures,
  }));
  return { rows, memory: Object.fromEntries(report.memory) };
}

/** The peak of each process, in MiB. */
export function formatMemory(processes: readonly ProcessMemory[]): string {
  return processes.map(({ pid, peakBytes }) => `${(peakBytes / MIB).toFixed(0)} MiB (pid ${pid})`).join(", ");
}

function formatRow({ operation, theirs, ours, limit, load }: Comparison): string[] {
  const { aim, bytes } = operation;
  const speed = ours.rate / theirs.rate;
  const cpu = ours.cpu / theirs.cpu;
  const rate = (value: number): string => formatRate(value, bytes);
  const spread = ([low, high]: readonly [number, number]): string => `(${rate(low)} to ${rate(high)})`;
  return [
    ...[operation.name, rate(theirs.rate), spread(theirs.spread), rate(ours.rate), spread(ours.spread)],
    ...[`${speed.toFixed(2)}x`, `>= ${aim.speed}x`, speed >= aim.speed ? "met" : "MISSED"],
    ...[formatCpu(theirs.cpu), formatCpu(ours.cpu)],
    ...[`${cpu.toFixed(2)}x`, `<= ${aim.cpu}x`, cpu <= aim.cpu ? "met" : "MISSED"],
    ...(limit === undefined
      ? ["", "", "", ""]
      : [
          rate(limit.rate),
          share(ours.rate / limit.rate),
          formatCpu(limit.cpu),
          `${(ours.cpu / limit.cpu).toFixed(2)}x`,
        ]),
    load.toFixed(1),
  ];
}

function share(ratio: number): string {
  return `${(ratio * 100).toFixed(0)} %`;
}

function formatRate(rate: number, bytes: number | undefined): string {
  return bytes === undefined ? `${rate.toFixed(0)}/s` : `${((rate * bytes) / MIB).toFixed(0)} MiB/s`;
}

function formatCpu(seconds: number): string {
  return seconds >= 0.1 ? `${seconds.toFixed(2)} s` : `${(seconds * 1e6).toFixed(0)} us`;
}

function formatTable(rows: readonly (readonly string[])[]): string[] {
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}
