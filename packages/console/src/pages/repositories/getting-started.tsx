import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { certificateFolders, plainSettings, trustOf, type ClientSetting } from "../../lib/addresses.js";
import { Choice } from "../../parts/choice.js";
import { Command } from "../../parts/copy.js";
import { currentSession, registryAddress } from "../../state/session.js";
import { texts } from "../../text/index.js";

const words = texts.gettingStarted;
const STEPS = ["pull", "tag", "push", "back"] as const;
const CLIENTS = [
  { value: "docker", label: "Docker" },
  { value: "podman", label: "Podman" },
] as const;
type Client = (typeof CLIENTS)[number]["value"];

function commandsOf(
  client: Client,
  address: string,
  isPlain: boolean,
): Readonly<Record<(typeof STEPS)[number], string>> {
  // Docker has a setting for it, podman a flag, too.
  const flag = client === "podman" && isPlain ? "--tls-verify=false " : "";
  return {
    pull: `${client} pull docker.io/library/alpine`,
    tag: `${client} tag docker.io/library/alpine ${address}/alpine`,
    push: `${client} push ${flag}${address}/alpine`,
    back: `${client} pull ${flag}${address}/alpine`,
  };
}

/** What to do with an empty registry. */
export function GettingStarted(): JSX.Element {
  const client = useSignal<Client>("docker");
  const address = registryAddress();
  const trust = trustOf(address, location.protocol);
  const commands = commandsOf(client.value, address, trust !== "tls");
  const needsLogin = (currentSession()?.logins.length ?? 0) > 0;
  return (
    <article class="started">
      <h1>{words.title}</h1>
      <p class="lead">{words.lead}</p>
      <Choice label={words.clients} options={CLIENTS} value={client.value} onChange={(next) => (client.value = next)} />
      {needsLogin && (
        <>
          <p>{words.logIn}</p>
          <Command value={`${client.value} login ${address}`} what={words.logIn} />
        </>
      )}
      <ol class="steps">
        {STEPS.map((step) => (
          <li key={step}>
            <p>{words.step[step]}</p>
            <Command value={commands[step]} what={words.step[step]} />
          </li>
        ))}
      </ol>
      {trust === "plain" && (
        <Settings title={words.plainTitle} text={words.plain(address)} settings={plainSettings(address)} />
      )}
      {trust === "local" && <Settings title={words.localTitle} text={words.local(address)} settings={[]} />}
      {trust === "tls" && <Settings title={words.tlsTitle} text={words.tls} settings={certificateFolders(address)} />}
    </article>
  );
}

function Settings({
  title,
  text,
  settings,
}: {
  readonly title: string;
  readonly text: string;
  readonly settings: readonly ClientSetting[];
}): JSX.Element {
  return (
    <section class="aside">
      <h2>{title}</h2>
      <p>{text}</p>
      {settings.map(({ client, file, setting }) => (
        <div key={client} class="setting">
          <p>
            <strong>{client}</strong>: <code>{file}</code>
          </p>
          {setting !== "" && <Command value={setting} what={`${client}: ${file}`} />}
        </div>
      ))}
    </section>
  );
}
