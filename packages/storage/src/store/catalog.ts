import type { CallOptions, StorageDriver } from "../contract/driver.js";
import type { Page, PageRequest } from "../contract/tag-store.js";
import { REPOSITORIES_DIRECTORY } from "../layout/paths.js";
import {
  isLeadingRepositoryComponent,
  isRepositoryComponent,
  isRepositoryName,
  MAX_REPOSITORY_NAME_LENGTH,
  type RepositoryName,
} from "../model/repository-name.js";
import { mapConcurrently } from "./concurrent.js";
import { orUndefined } from "./links.js";
import { batchSize, listBatches, takePage } from "./paging.js";
import { holdsManifest } from "./revisions.js";

/**
 * A page of the names of repositories that hold a manifest, in byte order of whole names (`q`, `q-b`, `q/a`, `q0`): the
 * order that `after` compares by, so that paging loses nothing (docs/architecture.md §Lists).
 */
export async function listRepositories(
  driver: StorageDriver,
  { after, limit, signal }: PageRequest = {},
): Promise<Page<RepositoryName>> {
  const walk = new CatalogWalk(driver, batchSize(limit), { signal });
  // No name is longer, so that cutting a hostile `after` changes no comparison and bounds the walk's depth.
  return takePage(oneByOne(walk.below("", (after ?? "").slice(0, MAX_REPOSITORY_NAME_LENGTH + 1))), limit);
}

async function* oneByOne<T>(items: AsyncIterable<T>): AsyncGenerator<readonly T[], void, undefined> {
  for await (const item of items) yield [item];
}

/**
 * A depth-first walk in the order of whole names. Since `-` and `.` sort before `/`, what is below `q` comes after `q-b` and
 * all below that: a directory's subtree waits until a sibling sorts behind it.
 */
class CatalogWalk {
  readonly #driver: StorageDriver;
  readonly #batch: number;
  readonly #options: CallOptions;

  constructor(driver: StorageDriver, batch: number, options: CallOptions) {
    this.#driver = driver;
    this.#batch = batch;
    this.#options = options;
  }

  /** Repositories below the directory `prefix` (empty, or ending in `/`) whose names continue it by more than `after`. */
  async *below(prefix: string, after: string): AsyncGenerator<RepositoryName, void, undefined> {
    const { subtree, startAfter, waiting } = entryPoint(after);
    if (subtree !== undefined) yield* this.#into(prefix, subtree.component, subtree.after);

    const directory = `${REPOSITORIES_DIRECTORY}/${prefix}`.replace(/\/$/, "");
    for await (const children of listBatches(this.#driver, directory, startAfter, this.#batch, this.#options)) {
      for await (const { child, repository, isParent } of this.#looks(prefix, children)) {
        yield* this.#flush(prefix, waiting, child);
        if (repository !== undefined) yield repository;
        if (isParent) waiting.push(child);
      }
    }
    yield* this.#flush(prefix, waiting, undefined);
  }

  /** What `children` are, in order; looks at some of them side by side, ahead of where the walk is. */
  async *#looks(prefix: string, children: readonly string[]): AsyncGenerator<Look, void, undefined> {
    const components = children.filter((child) => isComponent(prefix, child));
    for (let first = 0; first < components.length; first += LOOK_AHEAD) {
      const some = components.slice(first, first + LOOK_AHEAD);
      yield* await mapConcurrently(some, LOOK_AHEAD, (child) => this.#look(prefix, child));
    }
  }

  async #look(prefix: string, child: string): Promise<Look> {
    const name = prefix + child;
    const directory = `${REPOSITORIES_DIRECTORY}/${name}`;
    const page = await orUndefined(this.#driver.list(directory, { ...this.#options, limit: OWN_DIRECTORIES }));
    // Most directories on the way down have nothing of their own: each would cost three more listings.
    const mayHold = page !== undefined && (page.more || page.names.includes("_manifests"));
    const holds = mayHold && isRepositoryName(name) && (await holdsManifest(name, this.#driver, this.#options));
    const isParent = page !== undefined && (page.more || page.names.some((below) => isComponent(`${name}/`, below)));
    return { child, repository: holds && isRepositoryName(name) ? name : undefined, isParent };
  }

  /**
   * Walks the subtrees that sort before the sibling `next` (all, where there is none). `waiting` is a stack: one that
   * still waits begins every later sibling, so the last sorts first.
   */
  async *#flush(
    prefix: string,
    waiting: string[],
    next: string | undefined,
  ): AsyncGenerator<RepositoryName, void, undefined> {
    for (let top = waiting.at(-1); top !== undefined; top = waiting.at(-1)) {
      if (next !== undefined && `${top}/` > next) return;
      waiting.pop();
      yield* this.#into(prefix, top, "");
    }
  }

  async *#into(prefix: string, component: string, after: string): AsyncGenerator<RepositoryName, void, undefined> {
    if (prefix.length + component.length > MAX_REPOSITORY_NAME_LENGTH) return;
    if (isComponent(prefix, component)) yield* this.below(`${prefix}${component}/`, after);
  }
}

/** How many directories are looked at side by side. */
const LOOK_AHEAD = 16;
/** A repository's own directories (`_layers`, `_manifests`, `_uploads`), and some that others may have made. */
const OWN_DIRECTORIES = 8;

/** What a directory below `repositories` is. */
interface Look {
  readonly child: string;
  /** Its name, where it holds a manifest. */
  readonly repository: RepositoryName | undefined;
  /** Whether repositories may be below it. */
  readonly isParent: boolean;
}

interface EntryPoint {
  /** A subtree that `after` lies in: what is left of it comes first. */
  readonly subtree: { readonly component: string; readonly after: string } | undefined;
  /** Siblings up to here, and all below them, aren't greater than `after`, but for those that wait. */
  readonly startAfter: string | undefined;
  /** Earlier siblings whose subtrees come later, the first of them last. */
  readonly waiting: string[];
}

/** Where a walk that goes on behind `after` begins, within one directory. */
function entryPoint(after: string): EntryPoint {
  if (after === "") return { subtree: undefined, startAfter: undefined, waiting: [] };
  const slash = after.indexOf("/");
  const first = slash < 0 ? after : after.slice(0, slash);
  // `q` comes before `q-b`, but what is below `q` comes after it.
  const waiting: string[] = [];
  for (let end = 1; end < first.length; end++) {
    if (first.charAt(end) < "/") waiting.push(first.slice(0, end));
  }
  if (slash < 0) return { subtree: undefined, startAfter: first, waiting: [...waiting, first] };
  // Compared by bytes, `q/` lies between `q.c` and `q0`: siblings in between are passed over without being read.
  return { subtree: { component: first, after: after.slice(slash + 1) }, startAfter: `${first}/`, waiting };
}

function isComponent(prefix: string, text: string): boolean {
  return prefix === "" ? isLeadingRepositoryComponent(text) : isRepositoryComponent(text);
}
