import type { Rules } from "@longshore/auth";
import { watchFiles, type FileWatch } from "@longshore/base/watched-file";
import type { RuleSource, SourcePorts } from "../../contract.js";
import { listedRules } from "../inline-rules.js";
import { aclFiles, readAcl } from "./read-acl.js";

/** Between two looks at the files (ms). */
const INTERVAL = 1000;

/**
 * Rules that follow their files, which are looked at when a decision is asked for, at most once a second. What can't be used is
 * logged once, and the former rules stay. Throws if the first reading fails.
 */
export async function openAclFile(
  path: string,
  { log, clock, anonymousRules: anonymous }: Pick<SourcePorts, "log" | "clock" | "anonymousRules">,
): Promise<RuleSource> {
  let rules: Rules = await readAcl(path, { anonymous });
  let watch = await watchOf(path);
  let lookedAt = clock();
  let looking: Promise<void> | undefined;
  let complaint: string | undefined;

  async function look(): Promise<void> {
    try {
      // A file that comes or goes changes the directory, which is watched as well.
      if (!(await watch.changed()) && complaint === undefined) return;
      watch = await watchOf(path);
      rules = await readAcl(path, { anonymous });
      log.info("the rules have changed and are in use", { path });
      complaint = undefined;
    } catch (error) {
      const reason = error instanceof Error ? error.message : "unknown fault";
      if (reason !== complaint)
        log.error("the rules can't be used; the previous ones stay in use", { path, error: reason });
      complaint = reason;
    }
  }

  /** The promise is there for the caller that triggers a look only: a hanging file system delays one request and not all. */
  function check(): Promise<void> | undefined {
    const since = clock() - lookedAt;
    if ((since >= 0 && since < INTERVAL) || looking !== undefined) return undefined;
    lookedAt = clock();
    looking = look().finally(() => (looking = undefined));
    return looking;
  }

  const listed = listedRules("acl", () => rules);
  return {
    ...listed,
    decide(...question) {
      const checked = check();
      return checked === undefined ? listed.decide(...question) : checked.then(() => listed.decide(...question));
    },
    async reload() {
      rules = await readAcl(path, { anonymous });
      watch = await watchOf(path);
    },
  };
}

async function watchOf(path: string): Promise<FileWatch> {
  return watchFiles([path, ...(await aclFiles(path).catch(() => []))]);
}
