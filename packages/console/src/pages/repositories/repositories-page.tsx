import type { JSX } from "preact";
import { listRepositories, REPOSITORY_ORDERS, type Repository, type RepositoryQuery } from "../../api/repositories.js";
import { formatCount } from "../../lib/bytes.js";
import { FailureNotice } from "../../parts/failure-notice.js";
import { SearchField } from "../../parts/search-field.js";
import { Choice } from "../../parts/choice.js";
import { startsDescending } from "../../parts/sorting.js";
import { SkeletonRows } from "../../parts/skeleton.js";
import { choose, route } from "../../state/route.js";
import { createListAhead, usePagedList, type PagedList, type ReadPage } from "../../state/paged-list.js";
import { texts } from "../../text/index.js";
import { GettingStarted } from "./getting-started.js";
import { OpenByName } from "./open-by-name.js";
import { RepositoryTable } from "./repository-table.js";
import { RepositoryTree } from "./repository-tree.js";

const words = texts.repositories;
const VIEWS = ["list", "tree"] as const;

type Chosen = Readonly<Record<string, string>>;

function viewOf(chosen: Chosen): (typeof VIEWS)[number] {
  return VIEWS.find((each) => each === chosen["view"]) ?? "list";
}

/** What the address says about the list. */
function queryOf(chosen: Chosen): RepositoryQuery {
  const { search = "", order } = chosen;
  // The tree is by name, whatever the list was sorted by.
  if (viewOf(chosen) === "tree") return { search, sort: "name", isDescending: false };
  const sort = REPOSITORY_ORDERS.find((each) => each === chosen["sort"]) ?? "name";
  const isDescending = order === undefined ? startsDescending(sort) : order === "descending";
  return { search, sort, isDescending, isUncounted: search === "" && sort === "name" && !isDescending };
}

const ahead = createListAhead<Repository>();
const keyOf = (query: RepositoryQuery): string => JSON.stringify(query);

function reader(query: RepositoryQuery): ReadPage<Repository> {
  return (n, last, signal) => listRepositories(query, n, last, signal);
}

/** Reads what this page begins with, before it is drawn. */
export function readRepositoriesAhead(): Promise<void> {
  const query = queryOf(route.peek().query);
  return ahead.begin(keyOf(query), reader(query));
}

/** All repositories that the viewer may pull, as a list or as a tree. */
export function RepositoriesPage(): JSX.Element {
  const chosen = route.value.query;
  const view = viewOf(chosen);
  const query = queryOf(chosen);
  const { list, isStale, reload } = usePagedList(keyOf(query), reader(query), ahead);
  const total = list?.total.value;
  const isThere = list?.rows.value !== undefined;
  const failure = list?.failure.value;
  if (failure?.kind === "forbidden" && !isThere) return <OpenByName />;
  if (failure !== undefined && !isThere) {
    return (
      <>
        <h1>{texts.pages.repositories}</h1>
        <FailureNotice failure={failure} retry={reload} />
      </>
    );
  }
  if (total === 0 && query.search === "" && !isStale) return <GettingStarted />;
  return (
    <section aria-busy={isStale}>
      <div class="page-head">
        <h1>{texts.pages.repositories}</h1>
        <p class="page-count" role="status">
          {total === undefined
            ? isThere
              ? words.counting
              : ""
            : query.search === ""
              ? formatCount(total)
              : words.matching(total, query.search)}
        </p>
      </div>
      <div class="toolbar">
        <SearchField label={words.search} value={query.search} onInput={(search) => choose({ search })} />
        <Choice
          label={words.view}
          options={VIEWS.map((value) => ({ value, label: words[value] }))}
          value={view}
          onChange={(next) => choose({ view: next === "list" ? undefined : next })}
        />
      </div>
      <Found list={list} query={query} view={view} />
      {failure !== undefined && isThere && <FailureNotice failure={failure} retry={() => list.retry()} />}
    </section>
  );
}

function Found({
  list,
  query,
  view,
}: {
  readonly list: PagedList<Repository> | undefined;
  readonly query: RepositoryQuery;
  readonly view: (typeof VIEWS)[number];
}): JSX.Element {
  const rows = list?.rows.value;
  if (list === undefined || rows === undefined) return <SkeletonRows />;
  if (rows > 0) {
    return view === "tree" ? (
      <RepositoryTree list={list} total={rows} search={query.search} />
    ) : (
      <RepositoryTable list={list} rows={rows} query={query} />
    );
  }
  return (
    <p class="nothing">
      {words.nothing(query.search)}{" "}
      <button type="button" class="link" onClick={() => choose({ search: undefined })}>
        {words.clear}
      </button>
    </p>
  );
}
