import { spawn } from "node:child_process";
import { once } from "node:events";
import { open, readFile } from "node:fs/promises";

/** What a command took. */
export interface CommandCost {
  readonly seconds: number;
  /** User and system. */
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

/** proc(5): times count in hundredths of a second. */
const TICKS_PER_SECOND = 100;
/** Between two looks at the running command (ms). */
const LOOK = 20;

/** Runs a command to its end, its output in the file `log`. Throws where it fails. */
export async function measureCommand(program: string, args: readonly string[], log: string): Promise<CommandCost> {
  const file = await open(log, "w");
  const began = performance.now();
  const child = spawn(program, args, { stdio: ["ignore", file.fd, file.fd] });
  let [cpuSeconds, peakBytes] = [0, 0];
  const look = async (): Promise<void> => {
    const pid = child.pid ?? 0;
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    // The fields behind the name in parentheses; the first of them is the third.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const ticks = Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
    if (stat !== "") cpuSeconds = Math.max(cpuSeconds, ticks / TICKS_PER_SECOND);
    peakBytes = Math.max(peakBytes, Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024);
  };
  const timer = setInterval(() => void look(), LOOK);
  try {
    const [code] = (await once(child, "exit")) as [number | null];
    const seconds = (performance.now() - began) / 1000;
    if (code === 0) return { seconds, cpuSeconds, peakBytes };
    throw new Error(`${program} ${args.join(" ")} ended with ${String(code)}:\n${await readFile(log, "utf8")}`);
  } finally {
    clearInterval(timer);
    await file.close();
  }
}
