import type { ComponentChildren, JSX } from "preact";
import type { Configuration } from "../../api/image.js";
import { formatPlatform } from "../../lib/artifact.js";
import { namedValues } from "../../lib/comparison.js";
import { Facts } from "../../parts/facts.js";
import { Time } from "../../parts/values.js";
import { texts } from "../../text/index.js";

const words = texts.configuration;

function commandLine(parts: readonly string[] | undefined): ComponentChildren {
  return parts === undefined || parts.length === 0 ? (
    <span class="quiet">{texts.notSet}</span>
  ) : (
    <code>
      <bdi>{JSON.stringify(parts)}</bdi>
    </code>
  );
}

function plain(value: string | undefined): ComponentChildren {
  return value === undefined || value === "" ? <span class="quiet">{texts.notSet}</span> : <bdi>{value}</bdi>;
}

/** How an image runs, and what it says about itself. */
export function ConfigurationView({
  configuration,
  annotations,
}: {
  readonly configuration: Configuration;
  readonly annotations: Readonly<Record<string, string>>;
}): JSX.Element {
  const {
    platform,
    entrypoint,
    cmd,
    user,
    workingDir,
    exposedPorts = [],
    volumes = [],
    env = [],
    labels = {},
  } = configuration;
  return (
    <div class="sections">
      <section>
        <h2>{words.runs}</h2>
        <Facts
          rows={[
            [words.platform, plain(platform === undefined ? undefined : formatPlatform(platform))],
            [words.entrypoint, commandLine(entrypoint)],
            [words.command, commandLine(cmd)],
            [words.user, plain(user)],
            [words.workingDir, plain(workingDir)],
            [words.ports, plain(exposedPorts.join(", "))],
            [words.volumes, plain(volumes.join(", "))],
            [words.stopSignal, plain(configuration.stopSignal)],
            [words.author, plain(configuration.author)],
            [words.created, <Time value={configuration.created} />],
          ]}
        />
      </section>
      <Values title={words.env} values={namedValues(env)} />
      <Values title={words.labels} values={labels} />
      <Values title={words.annotations} values={annotations} />
    </div>
  );
}

export function Values({
  title,
  values,
}: {
  readonly title: string;
  readonly values: Readonly<Record<string, string>>;
}): JSX.Element {
  const rows = Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
  return (
    <section>
      <h2>{title}</h2>
      {rows.length === 0 ? <p class="quiet">{texts.none}</p> : <Facts rows={rows} />}
    </section>
  );
}
