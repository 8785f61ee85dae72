import { useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { showRepository } from "../../api/repositories.js";
import { listTags, TAG_ORDERS, type TagQuery } from "../../api/tags.js";
import { formatCount } from "../../lib/bytes.js";
import { CLIENTS } from "../../lib/commands.js";
import { Crumbs } from "../../parts/crumbs.js";
import { CopyButton } from "../../parts/copy.js";
import { FailureNotice } from "../../parts/failure-notice.js";
import { SearchField } from "../../parts/search-field.js";
import { SkeletonRows } from "../../parts/skeleton.js";
import { Bytes, Time } from "../../parts/values.js";
import { client } from "../../state/client.js";
import { createMarks } from "../../state/marks.js";
import { usePagedList } from "../../state/paged-list.js";
import { useResource } from "../../state/resource.js";
import { choose, route, visit } from "../../state/route.js";
import { currentSession, registryAddress } from "../../state/session.js";
import { texts } from "../../text/index.js";
import { startsDescending } from "../../parts/sorting.js";
import { DeleteRepository } from "./delete-repository.js";
import { DeleteTags } from "./delete-tags.js";
import { SelectionBar } from "./selection-bar.js";
import type { Selection } from "./selection.js";
import { TagTable } from "./tag-table.js";

const words = texts.repository;

function queryOf({ search = "", sort, order }: Readonly<Record<string, string>>): TagQuery {
  const chosen = TAG_ORDERS.find((each) => each === sort) ?? "pushed";
  return {
    search,
    sort: chosen,
    isDescending: order === undefined ? startsDescending(chosen) : order === "descending",
  };
}

/** A repository's tags, and what can be done with them. */
export function RepositoryPage({ name }: { readonly name: string }): JSX.Element {
  const query = queryOf(route.value.query);
  const facts = useResource(name, (signal) => showRepository(name, signal));
  const { list, isStale, reload } = usePagedList(JSON.stringify(query), (n, last, signal) =>
    listTags(name, query, n, last, signal),
  );
  const selection = useSignal<Selection>(new Map());
  const dialog = useSignal<"none" | "tags" | "repository">("none");
  const marks = useMemo(() => createMarks(name), [name]);
  useEffect(() => () => marks.close(), [marks]);
  const canDelete = useComputed(() => {
    const { value: known } = facts.resource;
    return currentSession()?.features.deletion === true && known.state === "done" && known.value.deletable !== false;
  });
  const total = list?.total.value;
  const failure = list?.failure.value;
  const { value } = facts.resource;
  const isGone = value.state === "failed" && value.failure.kind === "missing";
  return (
    <section aria-busy={isStale}>
      <Crumbs name={name} />
      <div class="page-head">
        <h1>
          <bdi>{name}</bdi>
        </h1>
        <CopyButton value={`${registryAddress()}/${name}`} what={texts.things.reference} />
      </div>
      {value.state === "done" && (
        <p class="facts">
          <span>{texts.repositories.tags(value.value.tags)}</span>
          <span>{words.manifests(value.value.manifests)}</span>
          <span title={texts.repositories.sizeHint}>
            <Bytes value={value.value.size} />
          </span>
          <span>
            {words.pushed} <Time value={value.value.pushed} />
          </span>
          <span>
            {words.pulled} <Time value={value.value.pulled} absent={texts.never} />
          </span>
          {canDelete.value && (
            <button type="button" class="link" onClick={() => (dialog.value = "repository")}>
              {words.deleteRepository}
            </button>
          )}
        </p>
      )}
      {isGone ? (
        <FailureNotice failure={value.failure} />
      ) : failure !== undefined && total === undefined ? (
        <FailureNotice failure={failure} retry={reload} />
      ) : (
        <>
          <div class="toolbar">
            <SearchField label={words.search} value={query.search} onInput={(search) => choose({ search })} />
            <ClientMenu />
            <p class="page-count" role="status">
              {total !== undefined && query.search !== "" && words.matching(total, query.search)}
            </p>
          </div>
          {list === undefined || total === undefined ? (
            <SkeletonRows />
          ) : total === 0 ? (
            <p class="nothing">{query.search === "" ? words.noTags : words.nothing(query.search)}</p>
          ) : (
            <TagTable name={name} list={list} total={total} query={query} selection={selection} marks={marks} />
          )}
        </>
      )}
      {failure !== undefined && total !== undefined && <FailureNotice failure={failure} retry={() => list?.retry()} />}
      <SelectionBar
        name={name}
        selection={selection}
        canDelete={canDelete.value}
        onDelete={() => (dialog.value = "tags")}
      />
      {dialog.value === "tags" && (
        <DeleteTags
          name={name}
          selection={selection.value}
          onClose={(isChanged) => {
            dialog.value = "none";
            if (!isChanged) return;
            selection.value = new Map();
            reload();
            facts.reload();
          }}
        />
      )}
      {dialog.value === "repository" && (
        <DeleteRepository
          name={name}
          tags={total === undefined ? "" : formatCount(total)}
          onClose={(isGone) => {
            dialog.value = "none";
            if (isGone) visit({ kind: "repositories" });
          }}
        />
      )}
    </section>
  );
}

/** Whose commands are copied. */
function ClientMenu(): JSX.Element {
  return (
    <label class="menu">
      {words.commandsOf}{" "}
      <select
        value={client.value}
        onChange={({ currentTarget: { value } }) => {
          client.value = CLIENTS.find((each) => each === value) ?? CLIENTS[0];
        }}
      >
        {CLIENTS.map((each) => (
          <option key={each} value={each}>
            {each}
          </option>
        ))}
      </select>
    </label>
  );
}
