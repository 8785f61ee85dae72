import { isStorageError } from "@longshore/storage";
import { counted } from "../../wording.js";
import type { Invocation } from "../command.js";
import { repositoryOf, withRegistry } from "../with-registry.js";
import { countsOf } from "./repository-list.js";

/** Removes a repository, once `--yes` says so. */
export function deleteRepository(invocation: Invocation): Promise<number> {
  const { flags, operands, terminal } = invocation;
  const name = repositoryOf(operands[0] ?? "");
  const isDryRun = flags.has("dry-run");
  return withRegistry(invocation, { changes: !isDryRun }, async ({ registry, status, signal }) => {
    if (isDryRun || !flags.has("yes")) {
      const [tags, manifests] = await countsOf(registry, name, signal);
      terminal.out(`${name}: ${counted(tags, "tag")} and ${counted(manifests, "manifest")} would be deleted\n`);
      if (isDryRun) return 0;
      status.line("nothing was deleted; repeat the command with --yes to delete it");
      return 1;
    }
    let done = 0;
    const onRemoved = (): void => {
      done += 1;
      status.update(() => `deleting ${name}: ${done} tags and manifests`);
    };
    try {
      const { tags, manifests, uploads, left } = await registry.remove(name, { signal, onRemoved });
      status.clear();
      terminal.out(
        `${name}: ${counted(tags, "tag")} and ${counted(manifests, "manifest")} deleted, ${counted(uploads, "upload")} ended\n`,
      );
      if (left > 0)
        status.line(`pushed meanwhile and left: ${counted(left, "manifest")}; run it again to delete what is left`);
      return 0;
    } catch (error) {
      if (isStorageError(error, "TAG_IMMUTABLE")) {
        status.line(`${error.message}; to delete it nevertheless, take the tag out of policy.immutable for that time`);
        return 1;
      }
      if (!isStorageError(error, "NAME_UNKNOWN")) throw error;
      status.line(`there is no repository ${name}`);
      return 1;
    }
  });
}
