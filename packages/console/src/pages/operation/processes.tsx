import type { JSX } from "preact";
import type { ProcessReport } from "../../api/operation.js";
import { formatBytes, formatCount } from "../../lib/bytes.js";
import { Time } from "../../parts/values.js";
import { texts } from "../../text/index.js";

const words = texts.operation;
const { columns } = words;

/** The processes of the registry, with what they hold of its storage and caches. */
export function Processes({
  processes,
  restarts,
}: {
  readonly processes: readonly ProcessReport[];
  readonly restarts: number;
}): JSX.Element {
  return (
    <section>
      <h2>{words.processes}</h2>
      {restarts > 0 && <p class="lost">{words.restarts(restarts)}</p>}
      <div class="wide" tabIndex={0} role="group" aria-label={words.processes}>
        <table class="figures">
          <thead>
            <tr>
              <th scope="col">{columns.process}</th>
              <th scope="col">{columns.uptime}</th>
              <th scope="col" class="number">
                {columns.memory}
              </th>
              <th scope="col" class="number">
                {columns.requests}
              </th>
              <th scope="col" class="number">
                {columns.now}
              </th>
              <th scope="col" class="number">
                {columns.connections}
              </th>
              <th scope="col">{columns.cache}</th>
              <th scope="col">{columns.storage}</th>
            </tr>
          </thead>
          <tbody>
            {processes.map((each) => (
              <ProcessRow key={each.name} report={each} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function ProcessRow({ report }: { readonly report: ProcessReport }): JSX.Element {
  const { name, pid, started, memory, requests, inFlight, connections, cache, storage } = report;
  return (
    <tr>
      <th scope="row">
        {name} <span class="quiet">{String(pid)}</span>
      </th>
      <td>
        <Time value={started} />
      </td>
      <td class="number" title={words.heap(formatBytes(memory.heap))}>
        {formatBytes(memory.resident)}
      </td>
      {requests === undefined ? (
        <td colSpan={5} class="quiet">
          {words.serves}
        </td>
      ) : (
        <>
          <td class="number">{formatCount(requests)}</td>
          <td class="number">{formatCount(inFlight ?? 0)}</td>
          <td class="number">{formatCount(connections ?? 0)}</td>
          <td>
            {cache === undefined || cache.requests === 0 ? "–" : words.share(cache.hits, cache.requests)}
            {cache?.shared !== undefined && (
              <span class={`state ${cache.shared === "available" ? "good" : "bad"}`}>
                {words.redis} {cache.shared === "available" ? words.available : words.unavailable}
              </span>
            )}
          </td>
          <td>
            {storage === "refusing" ? (
              <span class="state bad" title={words.refusingHint}>
                {words.refusing}
              </span>
            ) : (
              <span class="quiet">{storage === undefined ? "–" : words.answering}</span>
            )}
          </td>
        </>
      )}
    </tr>
  );
}
