import type { JSX } from "preact";
import type { ActivityEvent } from "../../api/activity.js";
import { formatRoute, type Page } from "../../lib/route.js";
import { formatClock, parseTime } from "../../lib/time.js";
import { Time } from "../../parts/values.js";
import type { Happening } from "../../state/watching.js";
import { texts } from "../../text/index.js";

const words = texts.activity;

/** A registry may know more kinds than this page. */
function verbOf(kind: string): string {
  const verbs: Readonly<Record<string, string>> = words.did;
  return verbs[kind] ?? kind;
}

/** One line of the list: when, what, and by whom if that may be known. */
export function HappeningRow({
  happening: { event },
  viewer,
}: {
  readonly happening: Happening;
  readonly viewer: string;
}): JSX.Element {
  if (event === undefined) return <li class="happening gap">{words.missed}</li>;
  const { kind, time, account, address, agent } = event;
  const moment = parseTime(time);
  const isRefused = kind === "login-refused";
  return (
    <li class={`happening ${isRefused || kind === "delete" ? kind : ""}`}>
      <span class="when">
        <Time value={time} /> <span class="clock">{moment === undefined ? "" : formatClock(moment)}</span>
      </span>
      <span class="did">{verbOf(kind)}</span>
      <span class="what">
        {isRefused ? <bdi class="nobody">{account ?? words.nobody}</bdi> : <What event={event} />}
      </span>
      <span class="who">
        {!isRefused && account !== undefined && (
          <bdi class="by">{account === viewer && viewer !== "" ? `${account} (${words.you})` : account}</bdi>
        )}
        {address !== undefined && <bdi>{address}</bdi>}
        {agent !== undefined && (
          <bdi class="agent" title={agent}>
            {agent}
          </bdi>
        )}
      </span>
    </li>
  );
}

function What({ event }: { readonly event: ActivityEvent }): JSX.Element {
  const { kind, repository, tag, digest, match, from } = event;
  if (repository === undefined) return <span class="quiet">{texts.unknown}</span>;
  const isThere = kind !== "delete" && (tag !== undefined || digest !== undefined);
  const reference = tag === undefined ? { name: repository, digest } : { name: repository, tag };
  const page: Page = isThere ? { kind: "image", reference } : { kind: "repository", name: repository };
  const short = digest?.slice(0, digest.indexOf(":") + 13);
  return (
    <>
      <a data-main href={formatRoute(page)} title={tag === undefined ? digest : undefined}>
        <bdi>
          {repository}
          {tag !== undefined && <b>:{tag}</b>}
          {tag === undefined && short !== undefined && <span class="quiet">@{short}</span>}
        </bdi>
      </a>
      {match !== undefined && <span class="quiet"> {words.tags(match)}</span>}
      {from !== undefined && (
        <span class="quiet">
          {" "}
          {words.from} <a href={formatRoute({ kind: "repository", name: from })}>{from}</a>
        </span>
      )}
    </>
  );
}
