import type { StorageDriver } from "../contract/driver.js";
import { openLeases } from "../store/leases/open-leases.js";
import { scrubBlobs } from "./blobs.js";
import type { ScrubOptions, ScrubResult } from "./options.js";
import { createPace } from "./pace.js";
import { requireQuarantine } from "./quarantine.js";
import { scrubRepositories } from "./repositories.js";
import { createScrub, type Scrub } from "./run.js";
import { forgetState, NOTHING, readState, type Position } from "./state.js";

/**
 * Reads everything that is stored and compares it with what it should be (docs/protocols/scrub.md), beside registries that
 * serve and collections. If it is interrupted, the next one continues. Throws QuarantineError if quarantine isn't
 * possible on this storage, and the signal's reason.
 */
export async function scrubStorage(driver: StorageDriver, options: ScrubOptions = {}): Promise<ScrubResult> {
  if (options.quarantine === true) await requireQuarantine(driver);
  const interrupted = options.restart === true ? undefined : await readState(driver);
  const scrub = createScrub({
    driver,
    store: openLeases(driver).driver,
    options,
    pace: createPace(options.rate, options.signal),
    counts: { ...(interrupted?.counts ?? NOTHING) },
    findings: [...(interrupted?.findings ?? [])],
  });
  await run(scrub, interrupted?.position ?? { phase: "blobs", after: "" });
  await forgetState(driver);
  return { ...scrub.counts, findings: scrub.findings, resumed: interrupted !== undefined };
}

async function run(scrub: Scrub, from: Position): Promise<void> {
  if (from.phase === "blobs") {
    await scrubBlobs(scrub, from.after);
    await scrub.reached({ phase: "repositories", after: "" }, true);
  }
  await scrubRepositories(scrub, from.phase === "repositories" ? from.after : "");
}
