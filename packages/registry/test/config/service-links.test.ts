import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { configOf, errorsOf, load, MINIMAL, valuesOf, warningsOf } from "./support.js";

/** What the kubelet sets for a service, its first port being named. */
function linksOf(service: string, { host = "10.96.0.7", port = 80, protocol = "tcp", name = "http" } = {}) {
  const prefix = service.toUpperCase().replaceAll("-", "_");
  const url = `${protocol}://${host.includes(":") ? `[${host}]` : host}:${port}`;
  const numbered = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`;
  return {
    [`${prefix}_SERVICE_HOST`]: host,
    [`${prefix}_SERVICE_PORT`]: String(port),
    [`${prefix}_SERVICE_PORT_${name.toUpperCase()}`]: String(port),
    [`${prefix}_PORT`]: url,
    [numbered]: url,
    [`${numbered}_PROTO`]: protocol,
    [`${numbered}_PORT`]: String(port),
    [`${numbered}_ADDR`]: host,
  };
}

const ADVICE = /enableServiceLinks: false/;

describe("variables of Kubernetes services", () => {
  it.each([
    "registry",
    "registry-auth",
    "registry-storage",
    "registry-access",
    "registry-http",
    "registry-http-addr",
    "registry-http-headers",
    "registry-log-fields",
    "registry-middleware-storage",
    "registry-redis",
    "registry-cache",
    "registry-foo-service",
    "registry-foo-port",
  ])("of %s are one warning that names it and the remedy, and change nothing", (service) => {
    const loaded = load(MINIMAL, linksOf(service));
    expect(loaded.errors).toEqual([]);
    expect(valuesOf(loaded.config)).toEqual(valuesOf(configOf(MINIMAL)));
    expect(loaded.warnings.map(({ message }) => message)).toEqual([expect.stringMatching(ADVICE)]);
    expect(loaded.warnings[0]?.message).toContain(`the service ${service},`);
  });

  it("are one warning for each service, with IPv6 and other protocols, too", () => {
    const environment = {
      ...linksOf("registry-auth", { host: "fd00::7", port: 5001, name: "http_api" }),
      ...linksOf("registry-dns", { protocol: "udp", port: 53 }),
    };
    expect(warningsOf(MINIMAL, environment)).toEqual([
      "environment variable REGISTRY_AUTH_PORT: ignored: set by Kubernetes for the service registry-auth, like 7 other variables, not a setting; to silence this warning, set enableServiceLinks: false in the pod's spec, or rename the service",
      expect.stringMatching(/REGISTRY_DNS_PORT: ignored: .*the service registry-dns,/),
    ]);
  });

  it.each(Object.entries(linksOf("registry-auth")))("are known by their values, each alone: %s=%s", (name, value) => {
    expect(errorsOf(MINIMAL, { [name]: value })).toEqual([]);
    expect(warningsOf(MINIMAL, { [name]: value })).toEqual([expect.stringMatching(ADVICE)]);
  });

  it.each([
    ["REGISTRY_AUTH_PORT", "5000"],
    ["REGISTRY_AUTH_SERVICE_HOST", "auth.example"],
    ["REGISTRY_AUTH_SERVICE_PORT", "http"],
    ["REGISTRY_AUTH_PORT_80_TCP", "tcp://10.0.0.1:81"],
    ["REGISTRY_AUTH_PORT_80_TCP_PROTO", "udp"],
    ["REGISTRY_AUTH_PORT_80_TCP_PORT", "81"],
    ["REGISTRY_AUTH_PORT_80_TCP_ADDR", "auth"],
  ])("are not what has another value: %s=%s stays an error about access", (name, value) => {
    expect(errorsOf(MINIMAL, { [name]: value })).toEqual([expect.stringContaining(name)]);
  });

  it.each([
    ["REGISTRY_PORT", "5000"],
    ["REGISTRY_SERVICE_HOST", "registry.example"],
  ])("are not the slips %s=%s, which are named as before", (name, value) => {
    expect(warningsOf(MINIMAL, { [name]: value })).toEqual([
      expect.stringContaining(`Ignoring unrecognized environment variable ${name}`),
    ]);
  });

  it("are not settings of the same names, as long as not all of a service is there", () => {
    const environment = {
      REGISTRY_LOG_FIELDS_PORT: "tcp://10.0.0.1:80",
      REGISTRY_LOG_FIELDS_SERVICE_HOST: "10.0.0.1",
    };
    const { log } = configOf(MINIMAL, environment);
    expect(log.fields).toEqual({ port: "tcp://10.0.0.1:80", service: { host: "10.0.0.1" } });
    expect(warningsOf(MINIMAL, environment).filter((line) => line.includes("enableServiceLinks: false"))).toEqual([]);
  });

  it("never hide settings of the same section", () => {
    const environment = { ...linksOf("registry-http"), REGISTRY_HTTP_ADDR: ":5005", REGISTRY_HTTP_SECRET: "s3cret" };
    expect(configOf(MINIMAL, environment).http.addr).toBe(":5005");
  });

  it("never stop the start, whatever a service is called", () => {
    const label = fc.stringMatching(/^[a-z0-9]{1,8}$/);
    const services = fc
      .array(fc.oneof(label, fc.constantFrom("auth", "http", "port", "service", "tcp", "storage", "s3", "0")), {
        minLength: 1,
        maxLength: 4,
      })
      .map((labels) => `registry-${labels.join("-")}`);
    fc.assert(
      fc.property(services, fc.integer({ min: 1, max: 65_535 }), fc.ipV4(), (service, port, host) => {
        const loaded = load(MINIMAL, linksOf(service, { port, host }));
        expect(loaded.errors).toEqual([]);
        expect(valuesOf(loaded.config)).toEqual(valuesOf(configOf(MINIMAL)));
      }),
      { numRuns: 300 },
    );
  });
});
