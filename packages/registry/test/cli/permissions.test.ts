import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { attempt } from "@longshore/testkit/processes";
import { PROGRAM } from "@longshore/testkit/project";
import { makeTemporaryFolder, type TemporaryFolder } from "@longshore/testkit/temporary-folder";
import { walkKeys } from "@longshore/options/shape";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findPortProblem } from "../../src/cli/permissions/ports.js";
import { root as schema } from "../../src/config/schema/root.js";
import { stringify } from "yaml";

/** Root may do everything, unless it is without capabilities. */
const UNPRIVILEGED =
  process.getuid?.() === 0
    ? ["setpriv", "--inh-caps=-all", "--bounding-set=-all", "--", process.execPath]
    : [process.execPath];

let folder: TemporaryFolder;
const at = (...names: string[]) => join(folder.path, ...names);

beforeAll(async () => void (folder = await makeTemporaryFolder("permissions")));
afterAll(() => folder[Symbol.asyncDispose]());

/** What `registry permissions` prints for a user without privileges, and its exit code. */
async function check(configuration: object, env: Record<string, string> = {}): Promise<readonly (string | number)[]> {
  await writeFile(at("config.yml"), stringify({ version: 0.1, ...configuration }));
  const [program, ...args] = [...UNPRIVILEGED, PROGRAM, "permissions", at("config.yml")];
  const { code, stdout, stderr } = await attempt(program, args, { env: { HOME: "/", ...env } });
  expect(stderr).toBe("");
  return [
    code ?? -1,
    ...stdout
      .trim()
      .replaceAll(`${folder.path}/`, "")
      .split("\n")
      .filter((line) => line !== ""),
  ];
}

/** Makes a file that nobody may read, or a directory that nobody may write to. */
async function closed(kind: "file" | "directory", ...names: string[]): Promise<string> {
  const path = at(...names);
  if (kind === "directory") await mkdir(path, { recursive: true });
  else await writeFile(path, "");
  await chmod(path, kind === "directory" ? 0o555 : 0);
  return path;
}

const storageAt = (rootdirectory: string) => ({ storage: { filesystem: { rootdirectory } } });

describe("registry permissions", () => {
  it("finds nothing where everything may be read and written, or made", async () => {
    await mkdir(at("new"));
    const audit = { target: at("new", "audit", "log") };
    const htpasswd = { realm: "registry", path: at("new", "htpasswd") };
    expect(await check({ ...storageAt(at("new", "data")), auth: { htpasswd }, log: { audit } })).toEqual([0]);
  });

  it("looks at every level of the storage", async () => {
    expect(await check(storageAt(at("closed")))).toEqual([0]);
    await closed("directory", "closed");
    expect(await check(storageAt(at("closed")))).toEqual([
      1,
      expect.stringMatching(/^closed can't be written to: its owner is \d+:\d+, its mode 555$/),
      expect.stringMatching(/^closed can't be written to: .* \(storage\.filesystem\.rootdirectory\)$/),
    ]);
    const tag = ["data", "docker/registry/v2/repositories/team/app/_manifests/tags/latest"] as const;
    await closed("directory", ...tag);
    await mkdir(at("data", "lost+found"), { mode: 0 });
    expect(await check(storageAt(at("data")))).toEqual([
      1,
      expect.stringContaining(`${join(...tag)} can't be written to`),
    ]);
    await chmod(at(...tag), 0o755);
    expect(await check(storageAt(at("data")))).toEqual([0]);
    await closed("file", ...tag, "link");
    expect(await check(storageAt(at("data")))).toEqual([1, expect.stringContaining("latest/link can't be read")]);
    await chmod(at(...tag, "link"), 0o444);
    expect(await check(storageAt(at("data")))).toEqual([1, expect.stringContaining("latest/link can't be written to")]);
  });

  it("looks at the files that the configuration and its libraries name", async () => {
    const sealed = await closed("directory", "sealed");
    await mkdir(at("home", ".aws"), { recursive: true });
    const endpoint = { name: "hook", url: "http://127.0.0.1:9/" };
    const found = await check(
      {
        storage: "inmemory",
        auth: { htpasswd: { realm: "registry", path: join(sealed, "htpasswd") } },
        log: { audit: { target: await closed("file", "audit.log") } },
        http: {
          addr: join(sealed, "registry.sock"),
          net: "unix",
          tls: {
            certificate: at("missing.pem"),
            key: await closed("file", "key.pem"),
            clientcas: [await closed("file", "ca.pem")],
          },
        },
        notifications: { endpoints: [endpoint], outbox: { directory: join(sealed, "outbox") } },
      },
      {
        HOME: at("home"),
        GOOGLE_APPLICATION_CREDENTIALS: await closed("file", "google.json"),
        REGISTRY_PROXY_REMOTEURL: "https://registry.example",
        REGISTRY_PROXY_USERNAME: "",
        FAR: await closed("file", "home/.aws/credentials"),
      },
    );
    const reasons = found.slice(1).map((line) => String(line).replace(/: its owner is [^ ]*, its mode \d+/, ""));
    expect([found[0], ...reasons.sort()]).toEqual([
      1,
      "audit.log can't be read (log.audit.target)",
      "ca.pem can't be read (http.tls.clientcas[0])",
      "google.json can't be read (GOOGLE_APPLICATION_CREDENTIALS)",
      "home/.aws/credentials can't be read (HOME)",
      "key.pem can't be read (http.tls.key)",
      "sealed can't be written to (auth.htpasswd.path)",
      "sealed can't be written to (http.addr)",
      "sealed can't be written to (notifications.outbox.directory)",
    ]);
  });

  it.each([
    [":443", false, "port 443 is below 1024, the first that this user may listen on"],
    ["127.0.0.1:https", false, "port 443 is below 1024, the first that this user may listen on"],
    [":443", true, undefined],
    [":5000", false, undefined],
    [":0", false, undefined],
  ])("knows whether %s is a port for this user (may use all: %s)", (address, mayListenAnywhere, expected) => {
    expect(findPortProblem(address, { firstFreePort: 1024, mayListenAnywhere })).toBe(expected);
  });
});

it("every key that is documented as a file says what is done with it", () => {
  const unmarked: string[] = [];
  walkKeys(schema, (path, { kind, info }) => {
    const isFile =
      (kind === "text" || kind === "list") && /\b(?:PEM )?files?\b|^The directory/i.test(info?.meaning ?? "");
    if (isFile && info?.file === undefined && info?.unsupported === undefined && info?.noEffect === undefined)
      unmarked.push(path.join("."));
    return true;
  });
  // Of these, only whether it is there counts; the others speak of another file.
  const watched = ["health.file", "health.file.0.file"];
  const others = ["version", "storage.azure.credentials.tenantid", "storage.cache.blobdescriptor"];
  expect(unmarked.sort()).toEqual([...watched, ...others].sort());
});
