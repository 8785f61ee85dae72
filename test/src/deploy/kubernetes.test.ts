import { readdir, readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { attempt } from "@longshore/testkit/processes";
import { parseDuration } from "./duration.js";
import type { Kinds } from "./kinds.js";
import { at, mapAt, textAt } from "./pick.js";
import { checkObjects, type ManifestObject } from "./schema.js";
import { fileURLToPath } from "node:url";
import { PROGRAM } from "@longshore/testkit/project";

const FOLDER = new URL("../../../deploy/kubernetes/", import.meta.url);
const CONFIGURATION = fileURLToPath(new URL("config.yml", FOLDER));
const NOT_OBJECTS = ["config.yml", "kustomization.yml"];

const files = (await readdir(FOLDER)).filter((name) => name.endsWith(".yml")).sort();
const objects = (await Promise.all(files.filter((name) => !NOT_OBJECTS.includes(name)).map(readObjects))).flat();
const kustomization = mapAt(parse(await readFile(new URL("kustomization.yml", FOLDER), "utf8")));
const configuration: unknown = parse(await readFile(CONFIGURATION, "utf8"));

async function readObjects(file: string): Promise<ManifestObject[]> {
  const text = await readFile(new URL(file, FOLDER), "utf8");
  return parseAllDocuments(text).map((document) => {
    const value: unknown = document.toJS();
    return { file, kind: `${textAt(value, "apiVersion")} ${textAt(value, "kind")}`, value };
  });
}

function find(kind: keyof Kinds): unknown {
  const found = objects.filter((object) => object.kind === kind);
  expect(found).toHaveLength(1);
  return found[0]?.value;
}

const deployment = find("apps/v1 Deployment");
const pod = at(deployment, "spec", "template", "spec");
const container = at(pod, "containers", 0);
const labels = at(deployment, "spec", "template", "metadata", "labels");

describe("the schema of Kubernetes", () => {
  it("accepts the manifests", () => {
    expect(objects.length).toBeGreaterThan(5);
    expect(checkObjects(objects)).toEqual([]);
  }, 60_000);

  it("finds unknown keys, wrong types and missing keys at any depth", () => {
    const object = (change: (value: string) => string): ManifestObject => {
      const text = JSON.stringify(deployment);
      expect(change(text)).not.toBe(text);
      return { file: "changed.yml", kind: "apps/v1 Deployment", value: JSON.parse(change(text)) };
    };
    const wrong = [
      object((text) => text.replace('"periodSeconds"', '"periodSecond"')),
      object((text) => text.replace('"failureThreshold":60', '"failureThreshold":"60"')),
      object((text) => text.replace('"topologyKey"', '"topologykey"')),
      object((text) => text.replace('"containerPort":5000', '"hostIP":"x"')),
      { file: "kind.yml", kind: "extensions/v1beta1 Deployment", value: {} },
    ];
    const messages = checkObjects(wrong).join("\n");
    for (const part of [
      "periodSecond\"' does not exist in type 'Probe'",
      "Type 'string' is not assignable to type 'number'",
      "topologykey",
      "Property 'containerPort' is missing",
      "kind.yml",
    ]) {
      expect(messages).toContain(part);
    }
  }, 60_000);
});

describe("the kustomization", () => {
  it("names every manifest, and nothing that isn't there", () => {
    expect(Object.keys(kustomization).sort()).toEqual(
      ["apiVersion", "kind", "namespace", "resources", "configMapGenerator", "images"].sort(),
    );
    expect(kustomization).toMatchObject({
      apiVersion: "kustomize.config.k8s.io/v1beta1",
      kind: "Kustomization",
      namespace: textAt(find("v1 Namespace"), "metadata", "name"),
      configMapGenerator: [{ name: textAt(pod, "volumes", 0, "configMap", "name"), files: ["config.yml"] }],
      images: [{ name: textAt(container, "image") }],
    });
    const named = [at(kustomization, "resources")].flat();
    expect([...named].sort()).toEqual(files.filter((name) => !NOT_OBJECTS.includes(name)));
  });
});

describe("the manifests among themselves", () => {
  it("select the same pods", () => {
    for (const selector of [
      at(deployment, "spec", "selector", "matchLabels"),
      at(find("v1 Service"), "spec", "selector"),
      at(find("policy/v1 PodDisruptionBudget"), "spec", "selector", "matchLabels"),
      at(find("networking.k8s.io/v1 NetworkPolicy"), "spec", "podSelector", "matchLabels"),
      at(pod, "topologySpreadConstraints", 0, "labelSelector", "matchLabels"),
      at(pod, "topologySpreadConstraints", 1, "labelSelector", "matchLabels"),
    ]) {
      expect(selector).toEqual(labels);
    }
    expect(textAt(pod, "serviceAccountName")).toBe(textAt(find("v1 ServiceAccount"), "metadata", "name"));
    expect(textAt(container, "envFrom", 0, "secretRef", "name")).toBe(textAt(find("v1 Secret"), "metadata", "name"));
  });

  it("name the ports that the configuration listens on", () => {
    const http = at(configuration, "http");
    expect(at(container, "ports")).toEqual([
      { name: "http", containerPort: Number(textAt(http, "addr").slice(1)) },
      { name: "debug", containerPort: Number(textAt(http, "debug", "addr").slice(1)) },
    ]);
    expect(at(find("v1 Service"), "spec", "ports", 0, "targetPort")).toBe("http");
    expect(textAt(deployment, "spec", "template", "metadata", "annotations", "prometheus.io/port")).toBe(
      textAt(http, "debug", "addr").slice(1),
    );
    for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"]) {
      expect(at(container, probe, "httpGet", "port")).toBe("debug");
    }
  });

  it("let everyone reach the API, and only the monitoring system the debug port", () => {
    expect(at(find("networking.k8s.io/v1 NetworkPolicy"), "spec")).toMatchObject({
      policyTypes: ["Ingress"],
      ingress: [
        { ports: [{ port: "http" }] },
        {
          from: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } } }],
          ports: [{ port: "debug" }],
        },
      ],
    });
    expect(at(find("networking.k8s.io/v1 NetworkPolicy"), "spec", "ingress", 0)).not.toHaveProperty("from");
  });

  it("have writable folders for pending notifications and temporary files alone", () => {
    expect(at(container, "volumeMounts")).toEqual([
      { name: "config", mountPath: "/etc/registry", readOnly: true },
      { name: "data", mountPath: "/var/lib/registry" },
      { name: "tmp", mountPath: "/tmp" },
    ]);
    expect([at(pod, "volumes")].flat().map((volume) => textAt(volume, "name"))).toEqual(["config", "data", "tmp"]);
  });

  it("give a pod the time it needs to stop", () => {
    const [, seconds] = [at(container, "lifecycle", "preStop", "exec", "command")].flat();
    const drain = parseDuration(textAt(configuration, "http", "draintimeout"));
    expect(at(pod, "terminationGracePeriodSeconds")).toBeGreaterThan(Number(seconds) + drain + 10);
  });

  it("keep at least two replicas, without rights", () => {
    expect(deployment).toMatchObject({ spec: { replicas: 3, strategy: { rollingUpdate: { maxUnavailable: 0 } } } });
    expect(find("policy/v1 PodDisruptionBudget")).toMatchObject({ spec: { maxUnavailable: 1 } });
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
    });
    expect(at(container, "securityContext")).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
  });
});

describe("the configuration", () => {
  const secret = Object.entries(mapAt(find("v1 Secret"), "stringData"));
  const verify = async (environment: Readonly<Record<string, string>>) =>
    attempt(process.execPath, [PROGRAM, "verify", CONFIGURATION], { env: environment });

  it("is mounted where the container reads it", () => {
    expect(at(container, "args")).toEqual([`${textAt(container, "volumeMounts", 0, "mountPath")}/config.yml`]);
  });

  it("is refused with the example's secrets, each by its name", async () => {
    const { code, stdout } = await verify(Object.fromEntries(secret.map(([name, value]) => [name, String(value)])));
    expect(code, stdout).toBe(1);
    expect(secret.length).toBe(3);
    for (const [name] of secret) expect(stdout).toContain(`error:   environment variable ${name}: `);
  });

  it("is right with others", async () => {
    const environment = Object.fromEntries(secret.map(([name]) => [name, "0123456789abcdef0123456789abcdef"]));
    // Nothing is asked of Amazon here.
    const { code, stdout } = await verify({ ...environment, REGISTRY_STORAGE_S3_REGIONENDPOINT: "http://127.0.0.1:9" });
    expect(stdout).toContain("no errors");
    expect(code).toBe(0);
  });
});
