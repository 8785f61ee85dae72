import { expect } from "vitest";
import { parse } from "yaml";
import { loadConfig } from "@longshore/registry";
import type { Kinds } from "../kinds.js";
import { at, mapAt, textAt } from "../pick.js";
import type { Rendered } from "./chart.js";

/** The one object of a kind, beside those of `extraManifests`. */
export function find({ objects }: Rendered, kind: keyof Kinds): unknown {
  const found = objects.filter((object) => object.kind === kind && object.file !== "extra.yaml");
  expect(found, kind).toHaveLength(1);
  return found[0]?.value;
}

/** The pod of the Deployment. */
export function podOf(rendered: Rendered): unknown {
  return at(find(rendered, "apps/v1 Deployment"), "spec", "template", "spec");
}

/** The registry's container. */
export function containerOf(rendered: Rendered): unknown {
  return at(podOf(rendered), "containers", 0);
}

function configurationText(rendered: Rendered): string {
  return textAt(find(rendered, "v1 ConfigMap"), "data", "config.yml");
}

/** What the ConfigMap has as `config.yml`. */
export function configurationOf(rendered: Rendered): unknown {
  return parse(configurationText(rendered));
}

/** The configuration as the container's process reads it. */
export function load(rendered: Rendered) {
  const environment = Object.fromEntries(
    listAt(containerOf(rendered), "env").map((variable) => {
      const { name, key } = secretKeyOf(variable) ?? { name: "", key: "" };
      // In base64, as an Azure account's key is.
      const value = name === "reg-longshore-secret" ? secretOf(rendered)[key] : btoa(`${key} of ${name}`);
      return [textAt(variable, "name"), at(variable, "value") ?? value];
    }),
  );
  const machine = { cores: 2, memory: 1024 ** 3 };
  return loadConfig({
    text: configurationText(rendered),
    file: "config.yml",
    environment: strings(environment),
    machine,
  });
}

function strings(values: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
}

/** What the chart's Secret has, decoded. */
export function secretOf(rendered: Rendered): Readonly<Record<string, string>> {
  const data = Object.entries(mapAt(find(rendered, "v1 Secret"), "data"));
  return Object.fromEntries(data.map(([key, value]) => [key, Buffer.from(String(value), "base64").toString()]));
}

/** A key of a Secret. */
interface SecretKey {
  readonly name: string;
  readonly key: string;
}

/** The key of a Secret that a variable takes its value from. */
export function secretKeyOf(variable: unknown): SecretKey | undefined {
  const reference = at(variable, "valueFrom", "secretKeyRef");
  return reference === undefined ? undefined : { name: textAt(reference, "name"), key: textAt(reference, "key") };
}

/** Every key of a Secret that the pod asks for. */
export function secretReferences(rendered: Rendered): SecretKey[] {
  const variables = listAt(containerOf(rendered), "env").flatMap((variable) => secretKeyOf(variable) ?? []);
  const volumes = listAt(podOf(rendered), "volumes").flatMap((volume) => {
    const items = at(volume, "secret", "items");
    if (!Array.isArray(items)) return [];
    return items.map((item: unknown) => ({ name: textAt(volume, "secret", "secretName"), key: textAt(item, "key") }));
  });
  return [...variables, ...volumes];
}

/** A list there. Throws where there is none. */
export function listAt(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const found = at(value, ...path);
  if (Array.isArray(found)) return found;
  throw new Error(`no list at ${path.join(".")}`);
}
