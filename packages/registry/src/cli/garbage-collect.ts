import { printErrors, type ReadConfiguration } from "./configuration.js";
import { type ExitCode, type Terminal } from "./terminal.js";

/** Reads its configuration and refuses, touching nothing: 1 for a bad configuration, otherwise 2. */
export function garbageCollect({ loaded }: ReadConfiguration, terminal: Terminal): ExitCode {
  if (!loaded.config) {
    printErrors(loaded.errors, terminal);
    return 1;
  }
  terminal.err(
    "garbage-collect: this version doesn't have the garbage collector yet. Nothing was read or changed. " +
      "The storage layout is the original's, so its own garbage-collect works on this volume while the registry is stopped.\n",
  );
  return 2;
}
