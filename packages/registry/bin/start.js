import { readFileSync } from "node:fs";

/** With fewer open files than this, a registry starts at most to fail at its first few clients. */
const FEWEST_FILES = 128;

/** Runs the program that `load` loads, with what has to be settled beforehand: signals, and how many files may be open. */
export async function start(load) {
  // Loading takes a moment in which a signal must count, too: nothing else ends process 1 of a container.
  for (const [signal, code] of Object.entries({ SIGTERM: 143, SIGINT: 130 }))
    process.on(signal, () => process.exit(code));
  // Node's own answer is a debugger on port 9229, open to everybody on the machine.
  process.on("SIGUSR1", () => undefined);

  // Read beforehand: afterwards it might be one file too many.
  const allowed = openFilesAllowed();
  if (allowed < FEWEST_FILES) refuseToStart();
  try {
    await load();
  } catch (error) {
    // Loading alone opens more than a hundred files. Node reports some of those that it can't open as missing modules.
    const isShort = ["EMFILE", "ENFILE"].includes(error?.code) || allowed < 256;
    if (!isShort) throw error;
    refuseToStart();
  }
}

function refuseToStart() {
  console.error(
    "registry: too few open files are allowed; allow at least 1024, better 65536: ulimit -n, LimitNOFILE= of a systemd unit, " +
      "or --ulimit nofile=65536 of docker run",
  );
  process.exit(1);
}

/** The soft limit of this process; Infinity if the system doesn't tell. */
function openFilesAllowed() {
  try {
    return Number(/^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1] ?? Infinity);
  } catch {
    return Infinity;
  }
}
