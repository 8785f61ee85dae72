import { declareKind } from "@longshore/options/kind";
import type { SourceKind } from "../contract.js";
import { SECOND } from "@longshore/base/duration";
import { personalOptions } from "./personal-options.js";

/** A directory that is down fails the tokens of its people, and not those of robots: so that it never counts against all. */
const LIMITS = { timeout: 30 * SECOND, concurrency: 256, cachettl: 0, failures: 0 };

/** Personal access tokens of people and robots, as passwords. */
export const personal: SourceKind = declareKind({
  name: "personal",
  meaning: "Personal access tokens of people and robots, as passwords. They are kept on the registry's own storage.",
  options: personalOptions,
  info: { untyped: true, unknownKeys: "error" },
  // Their accounts have the labels that their own sources give.
  choose: (options) => ({
    limits: LIMITS,
    labels: [],
    open: async (ports) => (await import("./personal-source.js")).openPersonalSource(options, ports),
  }),
});
