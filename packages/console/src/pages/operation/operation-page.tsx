import type { JSX } from "preact";
import "../../style/operation.css";
import { showStatus, type RegistryStatus } from "../../api/operation.js";
import { FailureNotice } from "../../parts/failure-notice.js";
import { SkeletonRows } from "../../parts/skeleton.js";
import { useLatest } from "../../state/latest.js";
import { texts } from "../../text/index.js";
import { Configuration } from "./configuration.js";
import { Endpoints } from "./endpoints.js";
import { Processes } from "./processes.js";
import { Upstreams } from "./upstreams.js";

const words = texts.operation;

/** How often the state is read (ms). */
const INTERVAL = 10_000;

/** How the registry does, for those who run it. */
export function OperationPage(): JSX.Element {
  const { value, failure, reload } = useLatest(showStatus, INTERVAL);
  return (
    <section class="operation">
      <div class="page-head">
        <h1>{texts.pages.operation}</h1>
        {value !== undefined && (
          <p class={`state ${value.health.ready ? "good" : "bad"}`} role="status">
            {value.health.ready ? words.ready : words.notReady}
          </p>
        )}
      </div>
      {failure !== undefined && <FailureNotice failure={failure} retry={reload} />}
      {value === undefined && failure === undefined && <SkeletonRows />}
      {value !== undefined && <Found status={value} />}
      <Configuration />
    </section>
  );
}

function Found({ status }: { readonly status: RegistryStatus }): JSX.Element {
  const { version, storage, health, processes, restarts, endpoints, upstreams } = status;
  const names = new Set(health.checks.map(({ name }) => name));
  const others = Object.entries(health.reasons).filter(([name]) => !names.has(name));
  return (
    <>
      <p class="facts">
        {version !== "" && <span>{words.version(version)}</span>}
        <span>{words.storage(storage)}</span>
        <span>{words.replica}</span>
      </p>
      <h2>{words.health}</h2>
      {health.checks.length === 0 && others.length === 0 && <p class="quiet">{words.noChecks}</p>}
      <ul class="checks">
        {health.checks.map(({ name, failure }) => (
          <li key={name} class="item">
            <bdi class="item-name">{name}</bdi>
            <span class={`state ${failure === undefined ? "good" : "bad"}`}>
              {failure === undefined ? words.passes : words.fails}
            </span>
            {failure !== undefined && <bdi class="why">{failure}</bdi>}
          </li>
        ))}
        {others.map(([name, why]) => (
          <li key={name} class="item">
            <bdi class="item-name">{name}</bdi>
            <span class="state bad">{words.fails}</span>
            <bdi class="why">{why}</bdi>
          </li>
        ))}
      </ul>
      <Processes processes={processes} restarts={restarts} />
      <Endpoints endpoints={endpoints} />
      <Upstreams upstreams={upstreams} />
    </>
  );
}
