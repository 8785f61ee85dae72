#!/usr/bin/env node
// Loading takes a moment in which a signal must count, too: nothing else ends process 1 of a container.
for (const [signal, code] of Object.entries({ SIGTERM: 143, SIGINT: 130 }))
  process.on(signal, () => process.exit(code));
// Node's own answer is a debugger on port 9229, open to everybody on the machine.
process.on("SIGUSR1", () => undefined);
await import("../dist/cli/main.js");
