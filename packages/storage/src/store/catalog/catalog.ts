import type { CallOptions, ListOptions, StorageDriver } from "../../contract/driver.js";
import type { Page, PageRequest } from "../../contract/tag-store.js";
import { REPOSITORIES_DIRECTORY } from "../../layout/paths.js";
import {
  isLeadingRepositoryComponent,
  isRepositoryComponent,
  isRepositoryName,
  MAX_REPOSITORY_NAME_LENGTH,
  type RepositoryName,
} from "../../model/repository-name.js";
import { mapConcurrently } from "../shared/concurrent.js";
import { orUndefined } from "../shared/links.js";
import { batchSize, listBatches, takePage } from "../shared/paging.js";
import { holdsManifest, type FoundManifests } from "../manifests/revisions.js";
import { repositoryLink } from "../shared/symbolic-links.js";

/**
 * A page of the names of repositories that contain a manifest, in byte order of whole names (`q`, `q-b`, `q/a`, `q0`). This is
 * also the order of `after`, so that paging doesn't miss any (docs/architecture.md §Lists). `found` makes the next page cheaper.
 */
export async function listRepositories(
  driver: StorageDriver,
  { after, limit, signal }: PageRequest = {},
  found?: FoundManifests,
): Promise<Page<RepositoryName>> {
  const walk = new CatalogWalk(driver, batchSize(limit), { signal }, found);
  // No name is longer, so truncating a hostile `after` changes no comparison, and bounds the depth of the walk.
  return takePage(oneByOne(walk.below("", (after ?? "").slice(0, MAX_REPOSITORY_NAME_LENGTH + 1))), limit);
}

async function* oneByOne<T>(items: AsyncIterable<T>): AsyncGenerator<readonly T[], void, undefined> {
  for await (const item of items) yield [item];
}

/**
 * A depth-first walk in the order of whole names. Since `-` and `.` sort before `/`, names below `q` come after `q-b` and
 * everything below that: the subtree of a directory waits until a sibling sorts after it.
 */
class CatalogWalk {
  readonly #driver: StorageDriver;
  readonly #batch: number;
  readonly #options: CallOptions;
  readonly #found: FoundManifests | undefined;

  constructor(driver: StorageDriver, batch: number, options: CallOptions, found: FoundManifests | undefined) {
    this.#driver = driver;
    this.#batch = batch;
    this.#options = options;
    this.#found = found;
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

  /** What the `children` are, in order. Some are looked at concurrently, ahead of the walk. */
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
    if ((await repositoryLink(this.#driver, directory, this.#options)) !== undefined) return { child, ...NOTHING };
    const list = (page: Pick<ListOptions, "startAfter" | "limit">) =>
      orUndefined(this.#driver.list(directory, { ...this.#options, ...page }));
    const page = await list({ limit: OWN_DIRECTORIES });
    // Most directories on the way down contain nothing of their own; looking would cost three more listings for each.
    const mayHold =
      page?.names.includes(MANIFESTS) === true ||
      (page?.more === true && (await list({ startAfter: BEFORE_MANIFESTS, limit: 1 }))?.names[0] === MANIFESTS);
    const holds =
      mayHold && isRepositoryName(name) && (await holdsManifest(name, this.#driver, this.#options, this.#found));
    const isParent = page !== undefined && (page.more || page.names.some((below) => isComponent(`${name}/`, below)));
    return { child, repository: holds && isRepositoryName(name) ? name : undefined, isParent };
  }

  /**
   * Walks the subtrees that sort before the sibling `next` (all of them, if there is none). `waiting` is a stack: each name in it
   * is a prefix of those pushed later, so the last one sorts first.
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
    if (prefix.length + component.length > MAX_REPOSITORY_NAME_LENGTH || !isComponent(prefix, component)) return;
    // The client chooses where the walk starts.
    const directory = `${REPOSITORIES_DIRECTORY}/${prefix}${component}`;
    if ((await repositoryLink(this.#driver, directory, this.#options)) !== undefined) return;
    yield* this.below(`${prefix}${component}/`, after);
  }
}

/** How many directories are looked at concurrently. */
const LOOK_AHEAD = 16;
/** A repository's own directories (`_layers`, `_manifests`, `_uploads`), and some that others may have made. */
const OWN_DIRECTORIES = 8;
const MANIFESTS = "_manifests";
/** Sorts before {@link MANIFESTS}, with no possible name in between. */
const BEFORE_MANIFESTS = "_manifestr~";

/** What a directory below `repositories` is. */
interface Look {
  readonly child: string;
  /** Its name, if it contains a manifest. */
  readonly repository: RepositoryName | undefined;
  /** Whether repositories may be below it. */
  readonly isParent: boolean;
}

/** A symbolic link. */
const NOTHING = { repository: undefined, isParent: false };

interface EntryPoint {
  /** The subtree that contains `after`: the rest of it comes first. */
  readonly subtree: { readonly component: string; readonly after: string } | undefined;
  /** Siblings up to here, and everything below them, aren't greater than `after`, except those in `waiting`. */
  readonly startAfter: string | undefined;
  /** Earlier siblings whose subtrees come later, the first of them last. */
  readonly waiting: string[];
}

/** Where a walk that continues after `after` starts within one directory. */
function entryPoint(after: string): EntryPoint {
  if (after === "") return { subtree: undefined, startAfter: undefined, waiting: [] };
  const slash = after.indexOf("/");
  const first = slash < 0 ? after : after.slice(0, slash);
  // `q` comes before `q-b`, but everything below `q` comes after it.
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
