import type { Invocation } from "../command.js";
import { printErrors } from "../configuration.js";
import { verifyStorage } from "../verify/verify-storage.js";

/** Starts the registry, unless its configuration or its storage is unusable. */
export async function serveRegistry({ configuration, terminal, serve: start }: Invocation): Promise<number> {
  const { loaded, path, text } = configuration;
  if (!loaded.config) {
    printErrors(loaded.errors, terminal);
    return 1;
  }
  const request = { remote: false, patience: 0, now: new Date() };
  const found = await verifyStorage(loaded.config, request);
  const storage = found.map((each) => ({ ...each, source: loaded.sourceOf(each.path) }));
  const unusable = storage.filter(({ severity }) => severity === "error");
  if (unusable.length > 0) {
    printErrors(unusable, terminal);
    return 1;
  }
  return start(loaded.config, { path, text }, [...loaded.warnings, ...storage]);
}
