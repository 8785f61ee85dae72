import { readFile, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { describePeers } from "@longshore/testkit/peers";
import { run } from "@longshore/testkit/processes";
import { parseDuration } from "./duration.js";
import { at, mapAt, textAt } from "./pick.js";

const PROJECT = new URL("../../../", import.meta.url);

async function compose(...args: readonly string[]): Promise<string> {
  const env = { COMPOSE_PROFILES: "", CLUSTER_ADDRESS: "", S3_IMAGE: "" };
  return (await run("docker-compose", args, { cwd: fileURLToPath(PROJECT), env })).stdout;
}

describePeers("docker-compose.yml", ["compose"], () => {
  it("starts the registry alone without a profile", async () => {
    expect((await compose("config", "--services")).trim().split("\n")).toEqual(["registry"]);
  });

  it("gives no registry more rights than it needs", async () => {
    const project: unknown = JSON.parse(await compose("--profile", "cluster", "config", "--format", "json"));
    const services = mapAt(project, "services");
    const registries = Object.keys(services).filter((name) => /^(registry|replica-\d)$/.test(name));
    expect(registries).toHaveLength(4);
    for (const name of registries)
      expect(services[name]).toMatchObject({
        read_only: true,
        tmpfs: ["/tmp"],
        cap_drop: ["ALL"],
        security_opt: ["no-new-privileges:true"],
      });
  });

  it("has a cluster whose parts fit together", async () => {
    const project: unknown = JSON.parse(await compose("--profile", "cluster", "config", "--format", "json"));
    const services = mapAt(project, "services");
    const replicas = Object.keys(services).filter((name) => name.startsWith("replica-"));
    const configuration: unknown = parse(await readFile(new URL("config/cluster.yml", PROJECT), "utf8"));
    const balancer = await readFile(new URL("deploy/cluster/nginx.conf", PROJECT), "utf8");

    const servers = [...balancer.matchAll(/^\s*server (\S+):(\d+) /gm)];
    expect(servers.map(([, name]) => name)).toEqual(replicas);
    expect(replicas).toHaveLength(3);
    const port = textAt(configuration, "http", "addr").slice(1);
    expect(new Set(servers.map(([, , each]) => each))).toEqual(new Set([port]));
    const published = at(services, "balancer", "ports", 0);
    expect(published).toMatchObject({ host_ip: "127.0.0.1", published: "5001" });
    expect(balancer).toContain(`listen ${String(at(published, "target"))};`);

    for (const name of replicas) {
      const replica = services[name];
      expect(at(replica, "environment")).toEqual(at(services, "replica-1", "environment"));
      expect(textAt(replica, "command", 0)).toBe(textAt(replica, "volumes", 0, "target"));
      expect(textAt(replica, "volumes", 0, "source")).toMatch(/config\/cluster\.yml$/);
      expect(at(replica, "environment", "REGISTRY_STORAGE_S3_SECRETKEY")).toBe(
        at(services, "s3", "environment", "ROOT_SECRET_KEY"),
      );
      const grace = textAt(replica, "stop_grace_period");
      expect(grace).toBe("1m10s");
      expect(70).toBeGreaterThan(parseDuration(textAt(configuration, "http", "draintimeout")));
      expect(textAt(replica, "healthcheck", "test", 3)).toContain(
        `127.0.0.1${textAt(configuration, "http", "debug", "addr")}/readyz`,
      );
    }
    const s3 = at(configuration, "storage", "s3");
    expect(at(services, "bucket", "environment")).toMatchObject({
      S3_ENDPOINT: textAt(s3, "regionendpoint"),
      S3_BUCKET: textAt(s3, "bucket"),
      S3_REGION: textAt(s3, "region"),
    });
    expect(Object.keys(services)).toContain(new URL(textAt(s3, "regionendpoint")).hostname);
    expect(Object.keys(services)).toContain(textAt(configuration, "redis", "addrs", 0).split(":")[0]);
  });

  it("scrapes every replica if monitoring is enabled", async () => {
    const all = ["--profile", "cluster", "--profile", "monitoring", "config", "--format", "json"];
    const services = mapAt(JSON.parse(await compose(...all)), "services");
    const scraped: unknown = parse(await readFile(new URL("deploy/cluster/prometheus.yml", PROJECT), "utf8"));
    const replicas = Object.keys(services).filter((name) => name.startsWith("replica-"));
    expect(at(scraped, "scrape_configs", 0, "static_configs", 0, "targets")).toEqual(
      replicas.map((name) => `${name}:5001`),
    );
    expect(at(services, "grafana", "ports", 0, "host_ip")).toBe("127.0.0.1");
    for (const volume of [at(services, "prometheus", "volumes"), at(services, "grafana", "volumes")].flat()) {
      if (at(volume, "type") === "bind") await stat(textAt(volume, "source"));
    }
  });

  it("publishes nothing of the cluster beyond this machine unless configured to", async () => {
    const project: unknown = JSON.parse(await compose("--profile", "cluster", "config", "--format", "json"));
    const open = Object.entries(mapAt(project, "services")).flatMap(([name, service]) =>
      [at(service, "ports") ?? []].flat().map((each) => [name, at(each, "host_ip")]),
    );
    expect(open).toEqual([
      ["balancer", "127.0.0.1"],
      ["registry", undefined],
    ]);
  });
});
