import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import "../../style/activity.css";
import { Choice } from "../../parts/choice.js";
import { FailureNotice } from "../../parts/failure-notice.js";
import { SearchField } from "../../parts/search-field.js";
import { choose, route } from "../../state/route.js";
import { currentSession } from "../../state/session.js";
import { createWatching, MOST_HAPPENINGS, type Happening, type Watching } from "../../state/watching.js";
import { texts } from "../../text/index.js";
import { HappeningRow } from "./happening-row.js";

const words = texts.activity;
const KINDS = ["push", "pull", "delete", "copy", "login-refused"] as const;

/** What was told to whom: it is still there when somebody comes back from a repository. */
const told = new Map<string, Watching>();

/** Of this viewer; what others were told is forgotten. */
function watchingOf(account: string): Watching {
  const known = told.get(account) ?? createWatching();
  told.clear();
  told.set(account, known);
  return known;
}

/** Pushes, pulls, deletes and refused logins while they happen. */
export function ActivityPage(): JSX.Element {
  const session = currentSession();
  const account = session?.account ?? "";
  const watching = watchingOf(account);
  const paused = useSignal<{ readonly shown: readonly Happening[]; readonly count: number } | undefined>(undefined);
  const turn = useSignal(0);
  useEffect(() => watching.start(), [watching, turn.value]);
  const { kind, repository = "" } = route.value.query;
  const chosen = KINDS.find((each) => each === kind);
  const all = paused.value?.shown ?? watching.happenings.value;
  const shown = all.filter(({ event }) =>
    event === undefined
      ? chosen === undefined && repository === ""
      : (chosen === undefined || event.kind === chosen) &&
        (repository === "" || event.repository?.includes(repository.toLowerCase()) === true),
  );
  const kinds = KINDS.filter((each) => each !== "login-refused" || session?.rights.maintenance === true);
  const failure = watching.failure.value;
  const state = watching.state.value;
  const isFiltered = chosen !== undefined || repository !== "";
  return (
    <section>
      <div class="page-head">
        <h1>{texts.pages.activity}</h1>
        <p class={`watch-state ${paused.value === undefined ? state : "paused"}`} role="status">
          {paused.value === undefined ? words.state[state] : words.paused(watching.count.value - paused.value.count)}
        </p>
        <button
          type="button"
          class="button pause"
          disabled={failure !== undefined}
          onClick={() => {
            paused.value =
              paused.value === undefined
                ? { shown: watching.happenings.peek(), count: watching.count.peek() }
                : undefined;
          }}
        >
          {paused.value === undefined ? words.pause : words.resume}
        </button>
      </div>
      <div class="toolbar">
        <SearchField label={words.search} value={repository} onInput={(next) => choose({ repository: next })} />
        <Choice
          label={words.kinds}
          options={[{ value: "", label: words.all }, ...kinds.map((value) => ({ value, label: words.kind[value] }))]}
          value={chosen ?? ""}
          onChange={(next) => choose({ kind: next })}
        />
      </div>
      {failure !== undefined && <FailureNotice failure={failure} retry={() => (turn.value += 1)} />}
      {shown.length > 0 && (
        <ul class="happenings" aria-label={words.list} onKeyDown={moveInList}>
          {shown.map((happening) => (
            <HappeningRow key={happening.key} happening={happening} viewer={account} />
          ))}
        </ul>
      )}
      {shown.length === 0 && failure === undefined && <Nothing isFiltered={isFiltered} />}
      {all.length >= MOST_HAPPENINGS && <p class="quiet">{words.most(MOST_HAPPENINGS)}</p>}
    </section>
  );
}

function Nothing({ isFiltered }: { readonly isFiltered: boolean }): JSX.Element {
  return isFiltered ? (
    <p class="nothing">
      {words.nothingLike}{" "}
      <button type="button" class="link" onClick={() => choose({ kind: undefined, repository: undefined })}>
        {words.clear}
      </button>
    </p>
  ) : (
    <div class="nothing">
      <h2>{words.nothing}</h2>
      <p class="quiet">{words.nothingWhat}</p>
    </div>
  );
}

/** Arrows, Home and End go from link to link. */
function moveInList(event: KeyboardEvent): void {
  if (event.altKey || event.ctrlKey || event.metaKey || !(event.currentTarget instanceof HTMLElement)) return;
  const links = [...event.currentTarget.querySelectorAll<HTMLElement>("[data-main]")];
  const at = links.findIndex((link) => link === document.activeElement);
  const steps: Readonly<Record<string, number>> = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    Home: 0,
    End: links.length - 1,
  };
  const next = steps[event.key];
  if (at < 0 || next === undefined) return;
  event.preventDefault();
  links[Math.max(0, Math.min(links.length - 1, next))]?.focus();
}
