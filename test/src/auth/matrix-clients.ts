import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Result } from "@longshore/testkit/processes";
import { INSTALLED, type Programs } from "@longshore/testkit/programs";
import { containerdAddress, startContainerd } from "../clients/containerd-daemon.js";
import { startDockerEngine } from "../clients/docker-engine.js";
import { dockerArchive, makeImage, ociArchive, writeLayout } from "../clients/images.js";
import type { Site } from "../clients/site.js";

/** Somebody who logs in; undefined: a client that doesn't. */
export interface Login {
  readonly account: string;
  readonly password: string;
}

/** A real client with an image to push, at registries without TLS on loopback. */
export interface MatrixClient {
  readonly name: string;
  /** Undefined: it has no command that logs in, and sends the password with each call. */
  readonly login?: (host: string, login: Login) => Promise<Result>;
  /** Each call is made as `login`, or as a client that never logged in. */
  push(reference: string, login: Login | undefined): Promise<Result>;
  pull(reference: string, login: Login | undefined): Promise<Result>;
  /** Within the registry; undefined: it has no command for that. */
  readonly copy?: (from: string, to: string, login: Login | undefined) => Promise<Result>;
  /** Deletes what the tag refers to; undefined: it has no command for that. */
  readonly remove?: (reference: string, login: Login | undefined) => Promise<Result>;
}

/** The clients of the matrix, by name. */
export const CLIENTS = ["docker", "podman", "skopeo", "crane", "ctr"] as const;
/** Clients that aren't in the matrix: buildah is podman's library, and oras moves what is no image. */
type ClientName = (typeof CLIENTS)[number] | "buildah" | "oras";

interface PrepareOptions {
  /** Bytes of the image's largest layer. */
  readonly bulk?: number;
  /** Whose; of crane and oras there is one release alone. */
  readonly programs?: Programs;
}

/** Makes an image, and the openers of clients that push it; what they start is handed to `own`. */
export async function prepareClients(
  folder: string,
  own: Site["own"],
  { bulk = 100_000, programs = INSTALLED }: PrepareOptions = {},
): Promise<Readonly<Record<ClientName, () => Promise<MatrixClient>>>> {
  const archive = join(folder, "image.tar");
  await writeFile(archive, dockerArchive(makeImage("docker", { bulk }), FIXTURE));
  const layout = join(folder, "layout");
  await writeLayout(layout, { single: makeImage("oci", { bulk }) });
  return {
    docker: () => dockerClient(folder, archive, own, programs),
    podman: () => podmanClient(folder, archive, programs),
    buildah: () => buildahClient(folder, layout, programs),
    skopeo: () => Promise.resolve(skopeoClient(folder, layout, programs)),
    crane: () => Promise.resolve(craneClient(folder, layout)),
    oras: () => Promise.resolve(orasClient(folder, layout)),
    ctr: () => ctrClient(folder, bulk, own, programs),
  };
}

const FIXTURE = "localhost/fixture:1";

/** A folder for what a client keeps of a login; it logs in there at its first call. */
export function homes(
  folder: string,
  client: string,
  login: (home: string, host: string, who: Login) => Promise<Result>,
) {
  const known = new Map<string, Promise<string>>();
  async function open(host: string, who: Login | undefined): Promise<string> {
    const home = join(folder, client, `${host.replace(":", "-")}-${who?.account ?? "anonymous"}`);
    await mkdir(home, { recursive: true });
    if (who === undefined) {
      // Podman wants the file that it is told to read.
      await writeFile(join(home, "auth.json"), "{}");
      return home;
    }
    const { code, stdout, stderr } = await login(home, host, who);
    if (code !== 0) throw new Error(`${client} can't log in: ${stdout}${stderr}`);
    return home;
  }
  return (reference: string, who: Login | undefined): Promise<string> => {
    const host = reference.slice(0, reference.indexOf("/"));
    const key = JSON.stringify([host, who?.account]);
    const home = known.get(key) ?? open(host, who);
    known.set(key, home);
    return home;
  };
}

async function dockerClient(
  folder: string,
  archive: string,
  own: Site["own"],
  programs: Programs,
): Promise<MatrixClient> {
  const engine = own(await startDockerEngine({ programs }));
  await engine.docker(["load", `--input=${archive}`]);
  const logIn = (home: string, host: string, { account, password }: Login) =>
    engine.attempt(["--config", home, "login", "--username", account, "--password-stdin", host], { input: password });
  const homeFor = homes(folder, "docker", logIn);
  const call = async (reference: string, who: Login | undefined, ...args: string[]) =>
    engine.attempt(["--config", await homeFor(reference, who), ...args, reference]);
  return {
    name: "docker",
    login: (host, who) => logIn(join(folder, "docker", "other"), host, who),
    async push(reference, who) {
      await engine.docker(["tag", FIXTURE, reference]);
      return call(reference, who, "push");
    },
    async pull(reference, who) {
      await engine.attempt(["rmi", reference]);
      return call(reference, who, "pull");
    },
    ...(engine.keepsManifests
      ? { copy: async (from, to, who) => call(from, who, "buildx", "imagetools", "create", `--tag=${to}`) }
      : {}),
  };
}

async function podmanClient(folder: string, archive: string, { attempt, run }: Programs): Promise<MatrixClient> {
  const at = (name: string) => join(folder, "podman", name);
  const flags = [
    `--root=${at("storage")}`,
    `--runroot=${at("run")}`,
    `--tmpdir=${at("tmp")}`,
    "--storage-driver=vfs",
    "--cgroup-manager=cgroupfs",
    "--events-backend=none",
  ];
  const podman = (args: readonly string[], input?: string) =>
    attempt("podman", [...flags, ...args], input === undefined ? {} : { input });
  await run("podman", [...flags, "load", `--input=${archive}`]);
  const remote = (home: string) => ["--tls-verify=false", `--authfile=${join(home, "auth.json")}`];
  const logIn = (home: string, host: string, { account, password }: Login) =>
    podman(["login", ...remote(home), "--username", account, "--password-stdin", host], password);
  const homeFor = homes(folder, "podman", logIn);
  return {
    name: "podman",
    login: (host, who) => logIn(at("other"), host, who),
    push: async (reference, who) => podman(["push", ...remote(await homeFor(reference, who)), FIXTURE, reference]),
    async pull(reference, who) {
      await podman(["rmi", reference]);
      return podman(["pull", ...remote(await homeFor(reference, who)), reference]);
    },
  };
}

async function buildahClient(folder: string, layout: string, { attempt, run }: Programs): Promise<MatrixClient> {
  const at = (name: string) => join(folder, "buildah", name);
  const flags = [`--root=${at("storage")}`, `--runroot=${at("run")}`, "--storage-driver=vfs"];
  const buildah = (args: readonly string[], input?: string) =>
    attempt("buildah", [...flags, ...args], input === undefined ? {} : { input });
  const id = (await run("buildah", [...flags, "pull", "--quiet", `oci:${layout}:single`])).stdout.trim();
  const remote = (home: string) => ["--tls-verify=false", `--authfile=${join(home, "auth.json")}`];
  const logIn = (home: string, host: string, { account, password }: Login) =>
    buildah(["login", ...remote(home), "--username", account, "--password-stdin", host], password);
  const homeFor = homes(folder, "buildah", logIn);
  return {
    name: "buildah",
    login: (host, who) => logIn(at("other"), host, who),
    push: async (reference, who) =>
      buildah(["push", ...remote(await homeFor(reference, who)), id, `docker://${reference}`]),
    pull: async (reference, who) =>
      buildah(["pull", "--policy=always", ...remote(await homeFor(reference, who)), reference]),
  };
}

function skopeoClient(folder: string, layout: string, { attempt }: Programs): MatrixClient {
  const logIn = (home: string, host: string, { account, password }: Login) =>
    attempt(
      "skopeo",
      ["login", "--tls-verify=false", authFile(home), "--username", account, "--password-stdin", host],
      { input: password },
    );
  const homeFor = homes(folder, "skopeo", logIn);
  const authFile = (home: string) => `--authfile=${join(home, "auth.json")}`;
  const copy = (home: string, ...args: string[]) =>
    attempt("skopeo", ["--insecure-policy", "copy", authFile(home), ...args]);
  return {
    name: "skopeo",
    login: (host, who) => logIn(join(folder, "skopeo", "other"), host, who),
    push: async (reference, who) =>
      copy(await homeFor(reference, who), "--dest-tls-verify=false", `oci:${layout}:single`, `docker://${reference}`),
    async pull(reference, who) {
      const home = await homeFor(reference, who);
      return copy(home, "--src-tls-verify=false", `docker://${reference}`, `dir:${join(home, "pulled")}`);
    },
    copy: async (from, to, who) => {
      const both = ["--src-tls-verify=false", "--dest-tls-verify=false"];
      return copy(await homeFor(from, who), ...both, `docker://${from}`, `docker://${to}`);
    },
    remove: async (reference, who) =>
      attempt("skopeo", [
        "delete",
        authFile(await homeFor(reference, who)),
        "--tls-verify=false",
        `docker://${reference}`,
      ]),
  };
}

function craneClient(folder: string, layout: string): MatrixClient {
  const crane = (home: string, ...args: string[]) => INSTALLED.attempt("crane", args, { env: { DOCKER_CONFIG: home } });
  // It only writes the password down, so that there is no login to refuse.
  const homeFor = homes(folder, "crane", (home, host, { account, password }) =>
    crane(home, "auth", "login", host, "--username", account, "--password", password),
  );
  return {
    name: "crane",
    push: async (reference, who) => crane(await homeFor(reference, who), "push", layout, reference),
    async pull(reference, who) {
      const home = await homeFor(reference, who);
      return crane(home, "pull", "--format=oci", reference, join(home, "pulled"));
    },
    copy: async (from, to, who) => crane(await homeFor(from, who), "copy", from, to),
    async remove(reference, who) {
      const home = await homeFor(reference, who);
      const digest = await crane(home, "digest", reference);
      if (digest.code !== 0) return digest;
      return crane(home, "delete", `${reference.slice(0, reference.lastIndexOf(":"))}@${digest.stdout.trim()}`);
    },
  };
}

function orasClient(folder: string, layout: string): MatrixClient {
  const config = (home: string, side = "") => `--${side}registry-config=${join(home, "auth.json")}`;
  const oras = (args: readonly string[], input?: string) =>
    INSTALLED.attempt("oras", args, input === undefined ? {} : { input });
  const logIn = (home: string, host: string, { account, password }: Login) =>
    oras(["login", "--plain-http", config(home), "--username", account, "--password-stdin", host], password);
  const homeFor = homes(folder, "oras", logIn);
  const from = (home: string) => ["--from-plain-http", config(home, "from-")];
  const to = (home: string) => ["--to-plain-http", config(home, "to-")];
  return {
    name: "oras",
    login: (host, who) => logIn(join(folder, "oras", "other"), host, who),
    push: async (reference, who) =>
      oras(["cp", "--from-oci-layout", ...to(await homeFor(reference, who)), `${layout}:single`, reference]),
    async pull(reference, who) {
      const home = await homeFor(reference, who);
      return oras(["cp", "--to-oci-layout", ...from(home), reference, `${join(home, "pulled")}:single`]);
    },
    async copy(source, target, who) {
      const home = await homeFor(source, who);
      return oras(["cp", ...from(home), ...to(home), source, target]);
    },
    remove: async (reference, who) =>
      oras(["manifest", "delete", "--force", "--plain-http", config(await homeFor(reference, who)), reference]),
  };
}

async function ctrClient(folder: string, bulk: number, own: Site["own"], programs: Programs): Promise<MatrixClient> {
  const { attempt, run } = programs;
  const home = join(folder, "ctr");
  await mkdir(home);
  own(await startContainerd(home, programs));
  const address = containerdAddress(home);
  const client = (args: readonly string[]) => [address, "--namespace=test", "images", ...args];
  const call = (command: string, who: Login | undefined, ...args: string[]) => {
    const user = who === undefined ? [] : ["--user", `${who.account}:${who.password}`];
    return attempt("ctr", client([command, "--plain-http", ...user, ...args]));
  };
  return {
    name: "ctr",
    async push(reference, who) {
      // A new image and no other: containerd would ask to mount layers that it has moved before, and Distribution refuses the
      // whole push then if the account may not read them there.
      const { stdout } = await run("ctr", client(["ls", "--quiet"]));
      const known = stdout.split("\n").filter((name) => name !== "");
      if (known.length > 0) await run("ctr", client(["rm", "--sync", ...known]));
      const archive = join(home, "image.tar");
      await writeFile(archive, ociArchive(makeImage("oci", { bulk }), reference));
      // The snapshotter can't unpack on every file system: only content moves here.
      await run("ctr", client(["import", "--all-platforms", "--no-unpack", archive]));
      return call("push", who, reference);
    },
    async pull(reference, who) {
      await attempt("ctr", client(["rm", "--sync", reference]));
      return call("pull", who, "--snapshotter=native", reference);
    },
  };
}
