import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { describePeers } from "@longshore/testkit/peers";
import { makeTemporaryFolder, type TemporaryFolder } from "@longshore/testkit/temporary-folder";
import { buildRenderer, type Release, type Render, type Rendered } from "./chart/chart.js";
import {
  configurationOf,
  containerOf,
  find,
  listAt,
  load,
  podOf,
  secretKeyOf,
  secretOf,
  secretReferences,
} from "./chart/rendered.js";
import { SECRET, VALUE_SETS } from "./chart/value-sets.js";
import { parseDuration } from "./duration.js";
import { at, mapAt, textAt } from "./pick.js";
import { checkObjects } from "./schema.js";

describePeers("the chart, rendered", ["go"], () => {
  let folder: TemporaryFolder;
  let render: Render;

  beforeAll(async () => {
    folder = await makeTemporaryFolder("chart");
    render = await buildRenderer(folder.path);
  });
  afterAll(() => folder[Symbol.asyncDispose]());

  describe("Kubernetes' types", () => {
    it("accept every object of every set of values", async () => {
      const sets = await Promise.all(
        Object.entries(VALUE_SETS).map(async ([name, { values }]) =>
          (await render({ values })).objects.map((object) => ({ ...object, file: `${name}: ${object.file}` })),
        ),
      );
      expect(checkObjects(sets.flat())).toEqual([]);
    }, 60_000);
  });

  describe.each(Object.entries(VALUE_SETS))("with %s", (_, { values, kinds }) => {
    let rendered: Rendered;
    beforeAll(async () => {
      rendered = await render({ values });
    });

    it("are the objects that it needs, in the release's namespace, with its labels", () => {
      const { objects } = rendered;
      expect(objects.map(({ kind }) => kind.split(" ")[1]).sort()).toEqual(kinds);
      for (const { value, file } of objects.filter((object) => object.file !== "extra.yaml")) {
        expect(textAt(value, "metadata", "namespace"), file).toBe("images");
        expect(at(value, "metadata", "labels"), file).toMatchObject({ app: "longshore", heritage: "Helm" });
      }
    });

    it("select the same pods", () => {
      const labels = at(find(rendered, "apps/v1 Deployment"), "spec", "template", "metadata", "labels");
      const selectors = [
        ["apps/v1 Deployment", "spec", "selector", "matchLabels"],
        ["v1 Service", "spec", "selector"],
        ["networking.k8s.io/v1 NetworkPolicy", "spec", "podSelector", "matchLabels"],
        ["policy/v1 PodDisruptionBudget", "spec", "selector", "matchLabels"],
      ] as const;
      for (const [kind, ...path] of selectors) {
        for (const { value } of rendered.objects.filter((object) => object.kind === kind)) {
          expect(at(value, ...path), kind).toEqual({ app: "longshore", release: "reg" });
          expect(labels, kind).toMatchObject(mapAt(value, ...path));
        }
      }
    });

    it("have a configuration without errors and warnings", () => {
      const { errors, warnings } = load(rendered);
      const found = [...errors, ...warnings].map(({ path, message }) => `${path.join(".")}: ${message}`);
      // The chart has the drivers that the registry has, or says that it doesn't have yet.
      expect(found.filter((message) => !/^storage\.\w+: this version doesn't support/.test(message))).toEqual([]);
    });

    it("name no file that isn't mounted, and no key that a Secret lacks", () => {
      const container = containerOf(rendered);
      const mounts = listAt(container, "volumeMounts").map((mount) => textAt(mount, "mountPath").replace(/\/$/, ""));
      const volumes = listAt(podOf(rendered), "volumes");
      expect(listAt(container, "volumeMounts").map((mount) => textAt(mount, "name"))).toEqual(
        volumes.map((volume) => textAt(volume, "name")),
      );
      expect(new Set(mounts).size).toBe(mounts.length);
      expect(mounts).toEqual(expect.arrayContaining(["/etc/distribution", "/var/lib/registry", "/tmp"]));
      expect(at(container, "args")).toEqual(["/etc/distribution/config.yml"]);
      for (const path of pathsIn(configurationOf(rendered))) {
        expect(
          mounts.some((mount) => path === mount || path.startsWith(`${mount}/`)),
          path,
        ).toBe(true);
      }
      for (const { name, key } of secretReferences(rendered)) {
        if (name === "reg-longshore-secret") expect(secretOf(rendered)).toHaveProperty(key);
      }
    });

    it("open the ports that the configuration listens on", () => {
      const http = at(configurationOf(rendered), "http");
      expect(at(containerOf(rendered), "ports")).toEqual([
        { name: "http", containerPort: Number(textAt(http, "addr").slice(1)) },
        { name: "debug", containerPort: Number(textAt(http, "debug", "addr").slice(1)) },
      ]);
      expect(at(find(rendered, "v1 Service"), "spec", "ports", 0, "targetPort")).toBe("http");
      for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"]) {
        expect(at(containerOf(rendered), probe, "httpGet", "port")).toBe("debug");
      }
    });

    it("show no secret outside of Secrets", () => {
      const { objects, notes } = rendered;
      const others = objects.filter(({ kind }) => kind !== "v1 Secret");
      expect(JSON.stringify([others, notes])).not.toContain(SECRET);
    });

    it("run without rights, and stop in the time they need", () => {
      const [, seconds] = listAt(containerOf(rendered), "lifecycle", "preStop", "exec", "command");
      const drain = parseDuration(textAt(configurationOf(rendered), "http", "draintimeout"));
      expect(podOf(rendered)).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
      expect(at(podOf(rendered), "terminationGracePeriodSeconds")).toBeGreaterThan(Number(seconds) + drain + 10);
      // What the Pod Security Standard "restricted" asks for, and the user to whom fsGroup gives the volumes.
      expect(at(containerOf(rendered), "securityContext")).toMatchObject({
        allowPrivilegeEscalation: false,
        capabilities: { drop: ["ALL"] },
        privileged: false,
        readOnlyRootFilesystem: true,
        runAsUser: 1000,
        runAsGroup: 1000,
        runAsNonRoot: true,
        seccompProfile: { type: "RuntimeDefault" },
      });
      expect(at(podOf(rendered), "securityContext", "fsGroup")).toBe(1000);
    });
  });

  describe("the values of twuni's chart", () => {
    const deployment = async (release: Release) => find(await render(release), "apps/v1 Deployment");

    it("keep its names and selectors with nameOverride", async () => {
      const values = { nameOverride: "docker-registry", persistence: { enabled: true } };
      const rendered = await render({ values, name: "prod" });
      expect(rendered.objects.map(({ kind, value }) => `${kind} ${textAt(value, "metadata", "name")}`)).toEqual([
        "v1 ConfigMap prod-docker-registry-config",
        "apps/v1 Deployment prod-docker-registry",
        "v1 PersistentVolumeClaim prod-docker-registry",
        "v1 Secret prod-docker-registry-secret",
        "v1 Service prod-docker-registry",
      ]);
      expect(at(find(rendered, "apps/v1 Deployment"), "spec", "selector", "matchLabels")).toEqual({
        app: "docker-registry",
        release: "prod",
      });
      expect(await deployment({ values, name: "docker-registry-1" })).toMatchObject({
        metadata: { name: "docker-registry-1" },
      });
    });

    it("never make Helm delete the claim of its release", async () => {
      const labels = { app: "docker-registry", release: "prod", chart: "docker-registry-3.0.0" };
      const metadata = { name: "prod-docker-registry", namespace: "images", labels };
      const cluster = [{ apiVersion: "apps/v1", kind: "Deployment", metadata }];
      await expect(render({ name: "prod", upgrade: true, cluster })).rejects.toThrow(
        "set nameOverride: docker-registry",
      );
      const values = { nameOverride: "docker-registry" };
      expect((await render({ name: "prod", upgrade: true, cluster, values })).objects).not.toEqual([]);
    });

    it("keep images when the release is uninstalled", async () => {
      const { values } = VALUE_SETS["files in a claim"] ?? {};
      expect(find(await render({ values: values ?? {} }), "v1 PersistentVolumeClaim")).toMatchObject({
        metadata: { annotations: { "helm.sh/resource-policy": "keep" } },
        spec: { accessModes: ["ReadWriteOnce"], storageClassName: "", resources: { requests: { storage: "50Gi" } } },
      });
    });

    it("let a claim of one node go before the next pod asks for it", async () => {
      const strategy = async (persistence: object) =>
        at(await deployment({ values: { persistence } }), "spec", "strategy", "rollingUpdate");
      expect(await strategy({ enabled: true })).toEqual({ maxSurge: 0, maxUnavailable: 1 });
      expect(await strategy({ enabled: true, accessMode: "ReadWriteMany" })).toEqual({
        maxSurge: 1,
        maxUnavailable: 0,
      });
      expect(await strategy({})).toEqual({ maxSurge: 1, maxUnavailable: 0 });
    });

    it.each([
      ["0 1 * * *", { interval: "24h", timeofday: "01:00" }],
      ["@daily", { interval: "24h", timeofday: "00:00" }],
      ["30  22 * * 0", { interval: "168h", timeofday: "22:30" }],
      ["5 23 * * sun", { interval: "168h", timeofday: "23:05" }],
      ["@weekly", { interval: "168h", timeofday: "00:00" }],
      ["15 */6 * * *", { interval: "6h" }],
      ["0 * * * *", { interval: "1h" }],
      ["@hourly", { interval: "1h" }],
    ])("make the schedule %s an interval", async (schedule, expected) => {
      const rendered = await render({ values: { garbageCollect: { enabled: true, schedule, deleteUntagged: false } } });
      expect(at(configurationOf(rendered), "storage", "maintenance", "gc")).toEqual({
        enabled: true,
        deleteuntagged: { enabled: false },
        ...expected,
      });
      expect(load(rendered)).toMatchObject({ errors: [], warnings: [] });
    });

    it.each(["0 1 1 * *", "0 1 * * 1-5", "*/5 * * * *", "0 1,13 * * *"])("refuse the schedule %s", async (schedule) => {
      await expect(render({ values: { garbageCollect: { enabled: true, schedule } } })).rejects.toThrow(
        "set configData.storage.maintenance.gc instead of garbageCollect",
      );
    });

    it("refuse storage that there isn't, and options of another", async () => {
      await expect(render({ values: { storage: "swift", swift: {} } })).rejects.toThrow("use storage: s3");
      await expect(render({ values: { storage: "s3" } })).rejects.toThrow("set s3.bucket");
      await expect(render({ values: { storage: "s3", s3: { bucket: "b" } } })).rejects.toThrow("set s3.region");
      await expect(render({ values: { configData: { storage: { s3: { bucket: "b" } } } } })).rejects.toThrow(
        "configData.storage.s3 is set, but the value storage is filesystem",
      );
    });
  });

  describe("secrets", () => {
    it("of configData move to the Secret", async () => {
      const storage = {
        s3: { region: "eu-central-1", bucket: "b", accesskey: `${SECRET}-a`, secretkey: `${SECRET}-s` },
      };
      const values = {
        storage: "s3",
        configData: { storage, http: { secret: SECRET }, redis: { addr: "redis:6379", password: SECRET } },
      };
      const rendered = await render({ values });
      expect(secretOf(rendered)).toEqual({
        haSharedSecret: SECRET,
        redisPassword: SECRET,
        s3AccessKey: `${SECRET}-a`,
        s3SecretKey: `${SECRET}-s`,
      });
      expect(JSON.stringify(configurationOf(rendered))).not.toContain(SECRET);
      expect(load(rendered).config?.redis?.password?.reveal()).toBe(SECRET);
    });

    it("that are made up stay the same", async () => {
      const first = await render();
      const second = await render({ upgrade: true, cluster: [find(first, "v1 Secret")] });
      expect(secretOf(first)["haSharedSecret"]).toMatch(/^\w{32}$/);
      expect(secretOf(second)).toEqual(secretOf(first));
      expect(find(second, "apps/v1 Deployment")).toEqual(find(first, "apps/v1 Deployment"));
      expect(secretOf(await render())).not.toEqual(secretOf(first));
    });

    it("and settings that change start new pods", async () => {
      const annotations = async (values: Release["values"]) =>
        at(
          find(await render({ values: values ?? {} }), "apps/v1 Deployment"),
          "spec",
          "template",
          "metadata",
          "annotations",
        );
      const before = await annotations({});
      const changed = await annotations({ secrets: { htpasswd: "a:b" } });
      expect(at(changed, "checksum/secret")).not.toBe(at(before, "checksum/secret"));
      expect(at(changed, "checksum/config")).not.toBe(at(before, "checksum/config"));
    });
  });

  describe("the ingress", () => {
    it("limits no body, and its own annotations take precedence", async () => {
      const { values } = VALUE_SETS["passwords, a login's ingress and garbage collection"] ?? {};
      const rendered = await render({ values: values ?? {} });
      expect(at(find(rendered, "networking.k8s.io/v1 Ingress"), "metadata", "annotations")).toMatchObject({
        "nginx.ingress.kubernetes.io/proxy-body-size": "0",
        "nginx.ingress.kubernetes.io/proxy-request-buffering": "off",
        "nginx.ingress.kubernetes.io/proxy-read-timeout": "60",
        "nginx.org/client-max-body-size": "0",
        "kubernetes.io/tls-acme": "true",
      });
      expect(rendered.notes).toContain("https://chart-example.local/");
      const none = await render({ values: { ingress: { enabled: true, unlimitedBodies: false } } });
      expect(mapAt(find(none, "networking.k8s.io/v1 Ingress"), "metadata")).not.toHaveProperty("annotations");
    });
  });

  describe("the ingress controller", () => {
    const trusted = async (http: object) => {
      const rendered = await render({ values: { ingress: { enabled: true }, configData: { http } } });
      return { rendered, networks: load(rendered).config?.http.trustedproxies };
    };

    it("is trusted with clients' addresses only where it is named, since any pod may have a private address", async () => {
      const { rendered, networks } = await trusted({});
      expect(networks).toEqual([]);
      expect(rendered.notes).toContain("configData.http.trustedproxies isn't set");
    });

    it("is trusted where it is named", async () => {
      const { rendered, networks } = await trusted({ trustedproxies: ["10.42.7.0/24"] });
      expect(networks).toHaveLength(1);
      expect(rendered.notes).not.toContain("trustedproxies");
      expect((await render()).notes).not.toContain("trustedproxies");
    });
  });

  describe("the storage's options", () => {
    it.each([
      ["s3 with keys", { s3: { secure: true, encrypt: false, regionendpoint: "https://s3.us-east-1.amazonaws.com" } }],
      ["gcs with a key file", { gcs: { bucket: "my-bucket", keyfile: "/etc/longshore/gcs/keyfile.json" } }],
      ["azure with a secret that exists", { azure: { container: "images", realm: "core.windows.net" } }],
    ])("are Distribution's: %s", async (name, expected) => {
      const rendered = await render({ values: VALUE_SETS[name]?.values ?? {} });
      expect(at(configurationOf(rendered), "storage")).toMatchObject(expected);
    });

    it("that are secrets are variables, named as the registry reads them", async () => {
      const names = async (name: string) =>
        listAt(containerOf(await render({ values: VALUE_SETS[name]?.values ?? {} })), "env")
          .slice(1)
          .map((variable) => `${textAt(variable, "name")} of ${JSON.stringify(secretKeyOf(variable))}`);
      expect(await names("azure with a secret that exists")).toEqual([
        'REGISTRY_STORAGE_AZURE_ACCOUNTKEY of {"name":"account","key":"azureAccountKey"}',
        'REGISTRY_STORAGE_AZURE_ACCOUNTNAME of {"name":"account","key":"azureAccountName"}',
      ]);
      expect(await names("secrets that exist")).toEqual([
        'REGISTRY_STORAGE_S3_ACCESSKEY of {"name":"keys","key":"s3AccessKey"}',
        'REGISTRY_STORAGE_S3_SECRETKEY of {"name":"keys","key":"s3SecretKey"}',
        'REGISTRY_PROXY_USERNAME of {"name":"hub","key":"proxyUsername"}',
        'REGISTRY_PROXY_PASSWORD of {"name":"hub","key":"proxyPassword"}',
      ]);
    });
  });

  describe("probes", () => {
    it("use the API's port where others can't reach the debug port", async () => {
      const values = { tlsSecretName: "tls", configData: { http: { debug: { addr: "127.0.0.1:5001" } } } };
      const container = containerOf(await render({ values }));
      expect(at(container, "ports")).toEqual([{ name: "http", containerPort: 5000 }]);
      expect(at(container, "readinessProbe", "httpGet")).toEqual({ path: "/readyz", port: "http", scheme: "HTTPS" });
    });
  });

  describe("metrics", () => {
    it("have the job that the alerts expect, and the labels that an operator selects", async () => {
      const { values } = VALUE_SETS["metrics, alerts and TLS"] ?? {};
      const rendered = await render({ values: values ?? {} });
      const service = find(rendered, "v1 Service");
      const monitor = find(rendered, "monitoring.coreos.com/v1 ServiceMonitor");
      expect(at(monitor, "metadata", "labels", "release")).toBe("prometheus");
      expect(mapAt(service, "metadata", "labels")).toMatchObject(mapAt(monitor, "spec", "selector", "matchLabels"));
      expect(at(service, "spec", "ports", 1, "name")).toBe(at(monitor, "spec", "endpoints", 0, "port"));
      expect(load(rendered).config?.http.debug).toMatchObject({ prometheus: { enabled: true, path: "/metrics" } });
      const alerts: unknown = parse(
        await readFile(new URL("../../../deploy/grafana/alerts.yml", import.meta.url), "utf8"),
      );
      const groups = listAt(find(rendered, "monitoring.coreos.com/v1 PrometheusRule"), "spec", "groups");
      expect(groups.slice(0, -1)).toEqual(listAt(alerts, "groups"));
      expect(groups.at(-1)).toEqual({ name: "reg-longshore", rules: [{ alert: "Own", expr: "up == 0", for: "1m" }] });
    });
  });
});

describe("the image", () => {
  it("has the paths and the port that the chart uses", async () => {
    const dockerfile = await readFile(new URL("../../../Dockerfile", import.meta.url), "utf8");
    expect(dockerfile).toContain('VOLUME ["/var/lib/registry"]');
    expect(dockerfile).toContain("EXPOSE 5000");
    expect(dockerfile).toContain("/etc/distribution/config.yml");
  });
});

/** The absolute paths of files and folders in a configuration. */
function pathsIn(configuration: unknown): string[] {
  const names = new Set(["rootdirectory", "path", "certificate", "key", "keyfile", "directory"]);
  const found: string[] = [];
  const visit = (value: unknown, place: string) => {
    if (typeof value === "object" && value !== null) {
      for (const [key, below] of Object.entries(value)) visit(below, `${place}.${key}`);
    } else if (typeof value === "string" && value.startsWith("/") && names.has(place.split(".").at(-1) ?? "")) {
      // A prefix of a bucket's keys isn't a folder, and neither is the path of metrics.
      if (!/^\.storage\.(s3|gcs|azure)\.root|\.prometheus\./.test(place)) found.push(value);
    }
  };
  visit(configuration, "");
  return found;
}
