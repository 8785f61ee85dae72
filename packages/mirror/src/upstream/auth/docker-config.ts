import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { MINUTE } from "@longshore/base/duration";
import { hasErrno } from "@longshore/base/errno";
import { Secret } from "@longshore/options/secret";
import { z } from "zod";
import { CredentialError, type Credentials, type CredentialSource } from "./credentials.js";
import { helperCredentials } from "./helper.js";

/** What `docker login`, `podman login` and their like leave behind. */
const FILE = z.object({
  auths: z
    .record(
      z.string(),
      z.object({
        auth: z.string().optional(),
        username: z.string().optional(),
        password: z.string().optional(),
        identitytoken: z.string().optional(),
      }),
    )
    .optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
  credsStore: z.string().optional(),
});

type DockerConfig = z.output<typeof FILE>;

/** A helper is a name behind `docker-credential-`, never a path. */
const HELPER_NAME = /^[A-Za-z0-9._-]+$/;

/** How long a helper's answer is used (ms). */
const HELPER_LIFETIME = 5 * MINUTE;

/** The files that hold credentials, the most particular first. */
export function dockerConfigPaths(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  const {
    REGISTRY_AUTH_FILE: own,
    XDG_RUNTIME_DIR: runtime,
    DOCKER_CONFIG: docker,
    HOME: home = homedir(),
  } = environment;
  return [
    ...(own === undefined ? [] : [own]),
    ...(runtime === undefined ? [] : [join(runtime, "containers/auth.json")]),
    join(docker ?? join(home, ".docker"), "config.json"),
  ];
}

/** Credentials that Docker or podman know, from the first of `paths` that has some; the files are read when they are needed. */
export function dockerConfigCredentials(paths: readonly string[], now: () => number): CredentialSource {
  const helpers = new Map<string, CredentialSource>();
  const helperFor = (name: string, host: string): CredentialSource => {
    if (!HELPER_NAME.test(name)) throw new CredentialError(`${JSON.stringify(name)} is no name of a credential helper`);
    const known = helpers.get(`${name} ${host}`);
    if (known !== undefined) return known;
    const made = helperCredentials({ command: `docker-credential-${name}`, lifetime: HELPER_LIFETIME, now });
    helpers.set(`${name} ${host}`, made);
    return made;
  };
  return {
    async get(hosts, signal) {
      for (const path of paths) {
        const config = await readConfig(path);
        const ask = (name: string, host: string) => helperFor(name, host).get([host], signal);
        const found = config === undefined ? undefined : await find(config, hosts, ask);
        if (found !== undefined) return found;
      }
      return undefined;
    },
    forget() {
      for (const helper of helpers.values()) helper.forget();
    },
  };
}

async function readConfig(path: string): Promise<DockerConfig | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw new CredentialError(`${path} can't be read`, { cause: error });
  }
  const parsed = FILE.safeParse(parseJson(text));
  if (!parsed.success) throw new CredentialError(`${path} is no configuration of Docker's`);
  return parsed.data;
}

async function find(
  { auths = {}, credHelpers = {}, credsStore }: DockerConfig,
  hosts: readonly string[],
  ask: (helper: string, host: string) => Promise<Credentials | undefined>,
): Promise<Credentials | undefined> {
  for (const host of hosts) {
    const helper = credHelpers[host] ?? credsStore;
    const found = helper === undefined ? undefined : await ask(helper, host);
    if (found !== undefined) return found;
    const entry = Object.entries(auths).find(([key]) => hostOf(key) === hostOf(host))?.[1];
    const own = entry === undefined ? undefined : readEntry(entry);
    if (own !== undefined) return own;
  }
  return undefined;
}

function readEntry(entry: NonNullable<DockerConfig["auths"]>[string]): Credentials | undefined {
  const { auth, username, password, identitytoken = "" } = entry;
  if (identitytoken !== "") return { kind: "refresh-token", token: new Secret(identitytoken) };
  const decoded = auth === undefined ? "" : Buffer.from(auth, "base64").toString("utf8").replace(/\0+$/, "");
  const colon = decoded.indexOf(":");
  const user = username ?? (colon < 0 ? "" : decoded.slice(0, colon));
  if (user === "") return undefined;
  return { kind: "password", user, password: new Secret(password ?? decoded.slice(colon + 1)) };
}

/** Keys are hosts or, of old, URLs: `https://index.docker.io/v1/`. */
function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
