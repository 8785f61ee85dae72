import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { get as getHttp } from "node:http";
import { get as getHttps } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Config } from "../../src/config/config.js";
import { loadConfig } from "../../src/config/load.js";
import { type StandIn, startStandIn } from "@longshore/testkit/s3/server";
import { PROGRAM } from "@longshore/testkit/project";
import { CERTIFICATE, KEY } from "../cli/certificates.js";
import { MACHINE, messages } from "./support.js";

const SAMPLES = fileURLToPath(new URL("../../../../config/", import.meta.url));
const FILES = (await readdir(SAMPLES)).filter((name) => name.endsWith(".yml"));

async function loadSample(name: string) {
  return loadConfig({
    text: await readFile(join(SAMPLES, name), "utf8"),
    file: name,
    environment: {},
    machine: MACHINE,
  });
}

let directory: string;
let s3: StandIn;

beforeAll(async () => {
  s3 = await startStandIn();
  directory = await mkdtemp(join(tmpdir(), "registry-samples-"));
  await writeFile(join(directory, "certificate.pem"), CERTIFICATE);
  await writeFile(join(directory, "key.pem"), KEY);
  await writeFile(join(directory, "htpasswd"), `somebody:$2y$04$${"a".repeat(53)}\n`);
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
  await s3.stop();
});

type Environment = Readonly<Record<string, string>>;

function serverEnvironment({ http }: Config): Environment {
  return {
    REGISTRY_HTTP_ADDR: "127.0.0.1:0",
    ...(http.workers === 1 ? {} : { REGISTRY_HTTP_WORKERS: "1" }),
    ...(http.debug.addr === undefined ? {} : { REGISTRY_HTTP_DEBUG_ADDR: "127.0.0.1:0" }),
  };
}

async function storageEnvironment({ storage }: Config, root: string): Promise<Environment> {
  return {
    ...(storage.type === "filesystem" ? { REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: root } : {}),
    ...(storage.type === "s3" ? await s3Environment() : {}),
    // Nobody listens there: a registry starts without its Redis.
    ...(storage.cache.blobdescriptor === "redis" ? { REGISTRY_REDIS_ADDRS: '["127.0.0.1:1"]' } : {}),
  };
}

/** The stand-in's place and keys. */
async function s3Environment(): Promise<Environment> {
  return {
    REGISTRY_STORAGE_S3_REGIONENDPOINT: s3.endpoint,
    REGISTRY_STORAGE_S3_REGION: s3.region,
    REGISTRY_STORAGE_S3_BUCKET: await s3.newBucket(),
    REGISTRY_STORAGE_S3_ACCESSKEY: s3.accessKey,
    REGISTRY_STORAGE_S3_SECRETKEY: s3.secretKey,
  };
}

function filesEnvironment({ auth, http, log }: Config, name: string): Environment {
  const certificate = join(directory, "certificate.pem");
  const tls = { REGISTRY_HTTP_TLS_CERTIFICATE: certificate, REGISTRY_HTTP_TLS_KEY: join(directory, "key.pem") };
  return {
    ...(log.audit ? { REGISTRY_LOG_AUDIT_TARGET: join(directory, `${name}.audit`) } : {}),
    ...(auth.kind === "htpasswd" ? { REGISTRY_AUTH_HTPASSWD_PATH: join(directory, "htpasswd") } : {}),
    ...(auth.kind === "token" ? { REGISTRY_AUTH_TOKEN_ROOTCERTBUNDLE: certificate } : {}),
    ...(http.tls ? tls : {}),
  };
}

it("there are files for both of Distribution's images and for npm start", () => {
  expect(FILES).toEqual(
    expect.arrayContaining([
      "registry2.yml",
      "registry3.yml",
      "development.yml",
      "inmemory.yml",
      "tls.yml",
      "htpasswd.yml",
      "token.yml",
      "access.yml",
      "s3.yml",
      "cluster.yml",
    ]),
  );
});

describe.each(FILES)("config/%s", (name) => {
  it("is right, and names the editors' schema", async () => {
    const { config, errors, warnings } = await loadSample(name);
    expect(messages([...errors, ...warnings])).toEqual([]);
    expect(config).toBeDefined();
    expect(await readFile(join(SAMPLES, name), "utf8")).toMatch(
      /^# yaml-language-server: \$schema=longshore\.schema\.json\n/,
    );
  });

  it("starts a registry that responds, and stops", async () => {
    const root = join(directory, name);
    const { config } = await loadSample(name);
    if (!config) throw new Error("refused");
    const { auth, http } = config;
    const environment = {
      ...serverEnvironment(config),
      ...(await storageEnvironment(config, root)),
      ...filesEnvironment(config, name),
    };
    const child = spawn(process.execPath, [PROGRAM, "serve", join(SAMPLES, name)], {
      env: { PATH: process.env["PATH"], ...environment },
      cwd: directory,
      stdio: ["ignore", "ignore", "pipe"],
    });
    const ended = once(child, "exit");
    try {
      const address = await listening(child);
      const url = `${http.tls ? "https" : "http"}://${address}/v2/`;
      expect(await statusOf(url)).toBe(auth.kind === "none" ? 200 : 401);
      // Where anybody may, the storage is asked something.
      if (auth.kind === "none") expect(await statusOf(`${url}a/tags/list`)).toBe(404);
    } finally {
      child.kill("SIGTERM");
      await ended;
    }
  });
});

/** The address that the start-up line names; fails with what was logged when the process ends before. */
async function listening(child: ChildProcess): Promise<string> {
  const lines: string[] = [];
  if (!child.stderr) throw new Error("no standard error");
  for await (const line of createInterface({ input: child.stderr })) {
    lines.push(line);
    const address = /listening on ([0-9.]+:[0-9]+)/.exec(line)?.[1];
    if (address !== undefined && !line.includes("debug server")) {
      child.stderr.resume();
      return address;
    }
  }
  throw new Error(`the registry ended:\n${lines.join("\n")}`);
}

async function statusOf(url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = url.startsWith("https:")
      ? getHttps(url, { rejectUnauthorized: false, agent: false })
      : getHttp(url, { agent: false });
    request.on("error", reject).on("response", (response) => {
      response.resume();
      resolve(response.statusCode);
    });
  });
}

describe("the defaults of Distribution's images (wire contract §3.4)", () => {
  const options = { enabled: true, interval: 10_000, threshold: 3 };
  const health = { checks: [{ check: { kind: "storagedriver", options } }] };

  it("registry:2", async () => {
    const { config } = await loadSample("registry2.yml");
    expect(config).toMatchObject({
      log: { level: "info", fields: { service: "registry" } },
      storage: {
        type: "filesystem",
        driver: { options: { rootdirectory: "/var/lib/registry" } },
        cache: { blobdescriptor: "inmemory" },
        delete: { enabled: false },
      },
      http: { addr: ":5000", headers: { "X-Content-Type-Options": ["nosniff"] }, debug: { addr: undefined } },
      health,
    });
  });

  it("registry:3", async () => {
    const { config } = await loadSample("registry3.yml");
    expect(config).toMatchObject({
      log: { level: "debug", fields: { service: "registry", environment: "development" } },
      storage: {
        type: "filesystem",
        driver: { options: { rootdirectory: "/var/lib/registry" } },
        cache: { blobdescriptor: "inmemory" },
        delete: { enabled: true },
        tag: { concurrencylimit: 5 },
      },
      http: { addr: ":5000", headers: {}, debug: { addr: ":5001", prometheus: { enabled: true, path: "/metrics" } } },
      health,
    });
  });
});
