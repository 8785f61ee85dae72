import type { JSX } from "preact";
import type { Endpoint } from "../../api/operation.js";
import { texts } from "../../text/index.js";

const words = texts.operation;

/** Whom notifications go to, what waits for them, and what was given up. */
export function Endpoints({ endpoints }: { readonly endpoints: readonly Endpoint[] }): JSX.Element {
  const hasDead = endpoints.some(({ dead }) => Object.keys(dead).length > 0);
  return (
    <section>
      <h2>{words.endpoints}</h2>
      {endpoints.length === 0 && <p class="quiet">{words.noEndpoints}</p>}
      <ul>
        {endpoints.map((each, index) => (
          <EndpointRow key={index} endpoint={each} />
        ))}
      </ul>
      {hasDead && <p class="quiet">{words.endpoint.deadHint}</p>}
    </section>
  );
}

function EndpointRow({ endpoint }: { readonly endpoint: Endpoint }): JSX.Element {
  const { name, host, pending, successes, failures, errors, dead } = endpoint;
  const of = words.endpoint;
  return (
    <li class="item">
      <span class="item-name">
        <bdi>{name}</bdi> <bdi class="quiet">{host}</bdi>
      </span>
      <span class="item-facts">
        <span>{of.delivered(successes)}</span>
        <span>{of.pending(pending)}</span>
        {failures > 0 && <span class="warn">{of.failures(failures)}</span>}
        {errors > 0 && <span class="warn">{of.errors(errors)}</span>}
        {Object.entries(dead).map(([reason, number]) => (
          <span key={reason} class="lost">
            {of.dead(number, reason)}
          </span>
        ))}
      </span>
    </li>
  );
}
