import { join } from "node:path";
import { findDirectoryProblem, statOf } from "@longshore/base/directory";
import type { Remark } from "@longshore/options/kind";
import { declareDriver } from "../kind.js";
import { options } from "./options.js";

/** The caches of a process that reads everything once: larger ones would be of no use. */
const LEAN = { filecache: 0, namecache: 20_000 };

export const filesystem = declareDriver({
  name: "filesystem",
  meaning: "A directory of this machine.",
  options,
  choose: (chosen) => ({
    identity: chosen.rootdirectory,
    directory: chosen.rootdirectory,
    verify: () => verifyDirectory(chosen.rootdirectory),
    async open(use) {
      const { createFilesystemDriver } = await import("./driver.js");
      if (use?.alone !== true) return createFilesystemDriver(chosen);
      const { createDirectCalls } = await import("./direct-calls.js");
      const { nodeCalls } = await import("./calls.js");
      const calls = createDirectCalls(nodeCalls(), () => performance.now());
      return createFilesystemDriver({ ...chosen, ...LEAN }, { calls });
    },
  }),
});

/** A directory that isn't writable is only a warning: pulls work from such a volume, as in Distribution. */
async function verifyDirectory(rootdirectory: string): Promise<readonly Remark[]> {
  const path = ["rootdirectory"];
  const remarks: Remark[] = [];
  const problem = await findDirectoryProblem(rootdirectory);
  if (problem?.kind === "unusable") return [{ severity: "error", path, message: problem.message }];
  if (problem !== undefined) {
    remarks.push({ severity: "warning", path, message: `${problem.message}; until then pushes fail` });
  }
  if (await ignoresCase(rootdirectory))
    remarks.push({ severity: "warning", path, message: `${rootdirectory} ${SAME_NAME}` });
  return remarks;
}

const SAME_NAME =
  "is on a file system that ignores case: of two tags that differ only in case, such as v1.0-RC and v1.0-rc, the later push " +
  "takes the other's place; use a volume that distinguishes them";

/** Whether the storage's own directory is also found under a name in another case. */
async function ignoresCase(rootdirectory: string): Promise<boolean> {
  const [own, other] = await Promise.all(["docker", "DOCKER"].map((name) => statOf(join(rootdirectory, name))));
  if (typeof own !== "object" || typeof other !== "object") return false;
  return own.dev === other.dev && own.ino === other.ino;
}
