import { compileWildcard } from "@longshore/base/wildcard";
import {
  copyRepository,
  isStorageError,
  renameRepository,
  type CopiedWithin,
  type Registry,
  type RepositoryName,
  type TagName,
} from "@longshore/storage";
import type { Invocation } from "../command.js";
import { immutableTagsOf } from "../../open-storage.js";
import { counted } from "../../wording.js";
import { UsageError } from "../flags.js";
import { repositoryOf, withRegistry, type RegistryContext } from "../with-registry.js";
import { pagesOf } from "./repository-list.js";

/** How many tags in conflict a message names. */
const NAMED = 10;

/** Copies a repository to another name on the same storage. */
export function copyWithin(invocation: Invocation): Promise<number> {
  const wants = wantsOf(invocation.values.get("tag"));
  return run(invocation, { wants, done: "copied", removes: false }, (registry, places, options) =>
    copyRepository(registry, places, { ...options, wants }),
  );
}

/** Gives a repository another name. */
export function renameWithin(invocation: Invocation): Promise<number> {
  return run(invocation, { wants: undefined, done: "moved", removes: true }, renameRepository);
}

type Wants = ((tag: TagName) => boolean) | undefined;

interface Task {
  readonly wants: Wants;
  /** For the message at the end. */
  readonly done: string;
  /** Whether the source goes. */
  readonly removes: boolean;
}

async function run(
  invocation: Invocation,
  { wants, done, removes }: Task,
  work: typeof renameRepository,
): Promise<number> {
  const { flags, operands, terminal } = invocation;
  const [from, to] = [repositoryOf(operands[0] ?? ""), repositoryOf(operands[1] ?? "")];
  if (from === to) throw new UsageError("the source and the target are the same repository");
  const isDryRun = flags.has("dry-run");
  return withRegistry(invocation, { changes: !isDryRun }, async (context) => {
    const { registry, signal, status } = context;
    const print = (text: string): void => {
      if (isDryRun) terminal.out(text);
    };
    const conflicts = await compareTags(context, { from, to, wants }, print);
    if (conflicts.length > 0 && !flags.has("overwrite")) {
      const named = conflicts.slice(0, NAMED).join(", ");
      status.line(
        `${to} has ${conflicts.length} of these tags, pointing elsewhere: ${named}; use --overwrite to move them`,
      );
      return 1;
    }
    const kept = immutableTagsOf(context.config);
    if (removes) await refuseImmutable(context, from, kept(from), pagesOfTags(context, from));
    await refuseImmutable(context, to, kept(to), [conflicts]);
    if (isDryRun) return 0;
    let count = 0;
    const onCopied = (): void => {
      count += 1;
      status.update(() => `${from} to ${to}: ${count} tags, manifests and blobs`);
    };
    try {
      const copied: CopiedWithin = await work(registry, { from, to }, { signal, onCopied });
      status.clear();
      const { tags, manifests, blobs } = copied;
      terminal.out(
        `${done} ${from} to ${to}: ${counted(tags, "tag")}, ${counted(manifests, "manifest")}, ${counted(blobs, "blob")}\n`,
      );
      return 0;
    } catch (error) {
      if (!isStorageError(error, "NAME_UNKNOWN")) throw error;
      status.line(`there is no repository ${from}`);
      return 1;
    }
  });
}

/** The wanted tags that the target has and that point elsewhere there; prints each wanted tag. */
async function compareTags(
  context: RegistryContext,
  { from, to, wants }: { readonly from: RepositoryName; readonly to: RepositoryName; readonly wants: Wants },
  print: (text: string) => void,
): Promise<readonly TagName[]> {
  const { registry, signal } = context;
  const conflicts: TagName[] = [];
  for await (const tags of pagesOfTags(context, from)) {
    for (const tag of tags) {
      if (wants?.(tag) === false) continue;
      print(`${from}:${tag} to ${to}:${tag}\n`);
      const there = await targetOf(registry, to, tag, signal);
      if (there !== undefined && there !== (await targetOf(registry, from, tag, signal))) conflicts.push(tag);
    }
  }
  return conflicts;
}

function pagesOfTags({ registry, signal }: RegistryContext, name: RepositoryName): AsyncIterable<readonly TagName[]> {
  return pagesOf((page) => registry.repository(name).tags.list(page), signal);
}

/** Throws if one of `pages` is immutable, so that nothing is copied for a command that would be refused halfway. */
async function refuseImmutable(
  { registry, signal }: RegistryContext,
  name: RepositoryName,
  ruleOf: ((tag: TagName) => string | undefined) | undefined,
  pages: AsyncIterable<readonly TagName[]> | Iterable<readonly TagName[]>,
): Promise<void> {
  if (ruleOf === undefined) return;
  for await (const tags of pages) {
    for (const tag of tags) {
      const rule = ruleOf(tag);
      if (rule === undefined || (await targetOf(registry, name, tag, signal)) === undefined) continue;
      throw new Error(
        `the tag ${tag} of ${name} is immutable by the rule "${rule}" of policy.immutable; nothing was changed. To do it nevertheless, take the tag out of the rule for that time`,
      );
    }
  }
}

async function targetOf(registry: Registry, name: RepositoryName, tag: TagName, signal: AbortSignal) {
  try {
    return await registry.repository(name).tags.resolve(tag, { signal });
  } catch (error) {
    if (isStorageError(error, "TAG_UNKNOWN")) return undefined;
    throw error;
  }
}

function wantsOf(pattern: string | undefined): Wants {
  if (pattern === undefined) return undefined;
  try {
    const wildcard = compileWildcard(pattern);
    return (tag) => wildcard.matches(tag);
  } catch (error) {
    throw new UsageError(
      `invalid argument ${JSON.stringify(pattern)} for --tag flag: ${error instanceof Error ? error.message : "no pattern"}`,
    );
  }
}
