import { Resources } from "@longshore/base/resources";
import { RETENTION_AGENT } from "../../retention/observe-removals.js";
import { runRetention, type RetentionResult } from "../../retention/run-retention.js";
import { counted, countedRepositories } from "../../wording.js";
import type { Invocation } from "../command.js";
import { openRemovalAudit } from "../removal-audit.js";
import { withRegistry } from "../with-registry.js";

/** Applies `policy.retention`, now, whether or not it is enabled. */
export function applyRetention(invocation: Invocation): Promise<number> {
  const { flags, terminal } = invocation;
  const dryRun = flags.has("dry-run");
  return withRegistry(invocation, { changes: !dryRun }, async ({ config, status, ...context }) => {
    await using opened = new Resources();
    const warn = (text: string): void => status.line(`warning: ${text}`);
    const note = dryRun ? undefined : openRemovalAudit(config, { agent: RETENTION_AGENT, opened, warn });
    const result = await runRetention(config, {
      ...context,
      dryRun,
      observer: {
        decided: (repository, { tag, digest, kept, rule, reason }) => {
          if (kept && flags.has("removed")) return;
          status.clear();
          if (flags.has("json")) {
            terminal.out(`${JSON.stringify({ repository, tag, digest, kept, rule, reason })}\n`);
            return;
          }
          terminal.out(`${kept ? "keep" : "remove"}\t${repository}:${tag}\t${rule ?? "-"}\t${reason}\n`);
        },
        removed: (repository, { tag, digest, rule }) => note?.({ repository, tag, digest, rule }),
        problem: warn,
        progress: (repositories) => status.update(() => countedRepositories(repositories)),
      },
    });
    status.line(summaryOf(result, dryRun));
    return result.problems > 0 ? 1 : 0;
  });
}

function summaryOf({ repositories, kept, removed, changed, problems }: RetentionResult, dryRun: boolean): string {
  const what = dryRun ? `dry run: ${counted(removed, "tag")} would be removed` : `${counted(removed, "tag")} removed`;
  const others = changed === 0 ? "" : `, ${changed} moved or deleted meanwhile, or needed again`;
  const wrong = problems === 0 ? "" : `; ${counted(problems, "problem")} (see above)`;
  return `${what}, ${kept} kept in ${countedRepositories(repositories)}${others}${wrong}`;
}
