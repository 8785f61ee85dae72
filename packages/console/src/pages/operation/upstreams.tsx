import type { JSX } from "preact";
import type { Upstream } from "../../api/operation.js";
import { Time } from "../../parts/values.js";
import { texts } from "../../text/index.js";

const words = texts.operation;
const of = words.upstream;

const STATES: Readonly<Record<string, readonly [string, string]>> = {
  unasked: ["", of.unasked],
  reachable: ["good", of.reachable],
  unreachable: ["bad", of.unreachable],
  paused: ["warn", of.paused],
};

/** The registries that this one fetches from. */
export function Upstreams({ upstreams }: { readonly upstreams: readonly Upstream[] }): JSX.Element {
  return (
    <section>
      <h2>{words.upstreams}</h2>
      {upstreams.length === 0 && <p class="quiet">{words.noUpstreams}</p>}
      <ul>
        {upstreams.map((each, index) => (
          <UpstreamRow key={index} upstream={each} />
        ))}
      </ul>
    </section>
  );
}

function UpstreamRow({ upstream }: { readonly upstream: Upstream }): JSX.Element {
  const { name, use, prefix, host, state, pause, failingSince, lastSuccess, lastError, rateLimit } = upstream;
  const [tone, word] = STATES[state] ?? ["", state];
  return (
    <li class="item">
      <span class="item-name">
        <bdi>{name}</bdi> {host !== name && <bdi class="quiet">{host}</bdi>}{" "}
        <span class="quiet">{use === "sync" ? of.sync : prefix === "" ? of.everything : prefix}</span>
      </span>
      <span class={`state ${tone}`}>{word}</span>
      <span class="item-facts">
        {pause !== undefined && (
          <span>
            {pause.reason}, {of.until} <Time value={pause.until} />
          </span>
        )}
        {failingSince !== undefined && (
          <span>
            {of.since} <Time value={failingSince} />
          </span>
        )}
        {lastSuccess !== undefined && (
          <span>
            {of.answered}: <Time value={lastSuccess} />
          </span>
        )}
        {rateLimit !== undefined && <span>{of.rate(rateLimit.remaining, rateLimit.limit)}</span>}
      </span>
      {lastError !== undefined && (
        <span class="why">
          {of.error}, <Time value={lastError.at} />: <bdi>{lastError.message}</bdi>
        </span>
      )}
    </li>
  );
}
