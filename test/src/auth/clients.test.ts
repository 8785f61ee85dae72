import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { startDockerEngine, type DockerEngine } from "../clients/docker-engine.js";
import { SLOW } from "../clients/site.js";
import { describePeers } from "@longshore/testkit/peers";
import { attempt, run, type Result } from "@longshore/testkit/processes";
import { useAuthSite, USERS } from "./site.js";

/** What a client said, wherever it said it. */
const said = ({ stdout, stderr }: Result): string => stdout + stderr;

describePeers("docker login against htpasswd over TLS", ["docker", "htpasswd"], () => {
  const site = useAuthSite("docker-htpasswd");
  let engine: DockerEngine;

  beforeAll(async () => {
    engine = site().own(await startDockerEngine());
    await engine.docker(["load"], { input: site().archive });
  }, SLOW);

  const login = (user: string, password: string) =>
    engine.attempt(["login", "--username", user, "--password-stdin", site().host], { input: password });

  it(
    "a wrong password is refused, and nothing works without a right one",
    async () => {
      expect(said(await login("alice", "wrong"))).toMatch(/401 Unauthorized/);
      expect(said(await login("nobody", USERS.alice))).toMatch(/401 Unauthorized/);
      const name = `${site().host}/library/app:1`;
      await engine.docker(["tag", "fixture:1", name]);
      // On loopback the engine also tries without TLS, so that its last word is about that.
      expect((await engine.attempt(["push", name])).code).not.toBe(0);
      expect((await engine.attempt(["pull", name])).code).not.toBe(0);
    },
    SLOW,
  );

  it.each(Object.entries(USERS))(
    "%s logs in, pushes, pulls, and logs out",
    async (user, password) => {
      const name = `${site().host}/${user}/app:1`;
      expect(said(await login(user, password))).toContain("Login Succeeded");
      await engine.docker(["tag", "fixture:1", name]);
      await engine.docker(["push", name]);
      await engine.docker(["rmi", name]);
      expect((await engine.docker(["pull", name])).stdout).toContain("Downloaded newer image");
      await engine.docker(["logout", site().host]);
      expect((await engine.attempt(["pull", name])).code).not.toBe(0);
    },
    SLOW,
  );
});

describePeers("skopeo against htpasswd over TLS", ["skopeo", "htpasswd"], () => {
  const site = useAuthSite("skopeo-htpasswd");
  const authfile = () => `--authfile=${join(site().folder, "auth.json")}`;
  const certs = () => `--cert-dir=${site().certificates}`;
  const login = (password: string) =>
    attempt("skopeo", ["login", authfile(), certs(), "--username=alice", "--password-stdin", site().host], {
      input: password,
    });
  const inspect = (...flags: string[]) =>
    attempt("skopeo", ["inspect", authfile(), certs(), ...flags, `docker://${site().host}/team/app:1`]);

  it(
    "logs in, pushes, pulls and logs out",
    async () => {
      expect(said(await login("wrong"))).toMatch(/invalid username\/password|unauthorized/);
      expect(said(await inspect())).toMatch(/authentication required|unauthorized/);
      expect(said(await login(USERS.alice))).toContain("Login Succeeded");
      const copy = ["--insecure-policy", "copy", authfile()];
      await run("skopeo", [
        ...copy,
        `--dest-cert-dir=${site().certificates}`,
        `oci:${site().layout}:single`,
        `docker://${site().host}/team/app:1`,
      ]);
      expect((await inspect()).code).toBe(0);
      await run("skopeo", [
        ...copy,
        `--src-cert-dir=${site().certificates}`,
        `docker://${site().host}/team/app:1`,
        `dir:${join(site().folder, "pulled")}`,
      ]);
      await run("skopeo", ["logout", authfile(), site().host]);
      expect((await inspect()).code).not.toBe(0);
      expect((await inspect(`--creds=bob:${USERS.bob}`)).code).toBe(0);
    },
    SLOW,
  );
});

describePeers("podman against htpasswd over TLS", ["podman", "htpasswd"], () => {
  const site = useAuthSite("podman-htpasswd");
  const podman = (args: readonly string[], input?: string) =>
    attempt(
      "podman",
      [
        `--root=${join(site().folder, "storage")}`,
        `--runroot=${join(site().folder, "run")}`,
        `--tmpdir=${join(site().folder, "tmp")}`,
        "--storage-driver=vfs",
        "--cgroup-manager=cgroupfs",
        "--events-backend=none",
        ...args,
      ],
      input === undefined ? {} : { input },
    );
  const flags = () => [`--authfile=${join(site().folder, "auth.json")}`, `--cert-dir=${site().certificates}`];

  it(
    "logs in, pushes, pulls and logs out",
    async () => {
      const name = `${site().host}/team/app:1`;
      const login = (password: string) =>
        podman(["login", ...flags(), "--username=eve", "--password-stdin", site().host], password);
      expect(said(await login("wrong"))).toMatch(/invalid username\/password|unauthorized/);
      const archive = join(site().folder, "image.tar");
      await writeFile(archive, site().archive);
      expect((await podman(["load", `--input=${archive}`])).code).toBe(0);
      const push = () => podman(["push", ...flags(), "localhost/fixture:1", name]);
      expect((await push()).code).not.toBe(0);
      expect(said(await login(USERS.eve))).toContain("Login Succeeded");
      const pushed = await push();
      expect(pushed.code, said(pushed)).toBe(0);
      expect((await podman(["pull", ...flags(), name])).code).toBe(0);
      await podman(["logout", `--authfile=${join(site().folder, "auth.json")}`, site().host]);
      expect((await podman(["pull", ...flags(), name])).code).not.toBe(0);
    },
    SLOW,
  );
});

describePeers("oras against htpasswd over TLS", ["oras", "htpasswd"], () => {
  const site = useAuthSite("oras-htpasswd");
  const config = () => ["--ca-file", site().authority, "--registry-config", join(site().folder, "auth.json")];

  it(
    "logs in, pushes, pulls and logs out",
    async () => {
      const reference = `${site().host}/artifacts/a:1`;
      const login = (password: string) =>
        attempt("oras", ["login", ...config(), "--username", "alice", "--password-stdin", site().host], {
          input: password,
        });
      const push = () =>
        attempt("oras", ["cp", "--from-oci-layout", ...remote("to"), `${site().layout}:single`, reference]);
      const remote = (side: "from" | "to") => [
        `--${side}-ca-file`,
        site().authority,
        `--${side}-registry-config`,
        join(site().folder, "auth.json"),
      ];
      expect((await login("wrong")).code).not.toBe(0);
      expect((await push()).code).not.toBe(0);
      expect(said(await login(USERS.alice))).toContain("Login Succeeded");
      const pushed = await push();
      expect(pushed.code, said(pushed)).toBe(0);
      const tags = () => attempt("oras", ["repo", "tags", ...config(), `${site().host}/artifacts/a`]);
      expect((await tags()).stdout.trim()).toBe("1");
      await run("oras", ["logout", "--registry-config", join(site().folder, "auth.json"), site().host]);
      expect((await tags()).code).not.toBe(0);
    },
    SLOW,
  );
});

describePeers("crane against htpasswd over TLS", ["crane", "htpasswd"], () => {
  const site = useAuthSite("crane-htpasswd");
  const crane = (...args: string[]) =>
    attempt("crane", args, { env: { SSL_CERT_FILE: site().authority, DOCKER_CONFIG: join(site().folder, "crane") } });

  it(
    "logs in, pushes, pulls, lists and logs out",
    async () => {
      const name = `${site().host}/team/app:1`;
      expect((await crane("push", site().layout, name)).code).not.toBe(0);
      await crane("auth", "login", site().host, "--username", "alice", "--password", "wrong");
      expect(said(await crane("push", site().layout, name))).toContain("401 Unauthorized");
      expect((await crane("auth", "login", site().host, "--username", "bob", "--password", USERS.bob)).code).toBe(0);
      const pushed = await crane("push", site().layout, name);
      expect(pushed.code, said(pushed)).toBe(0);
      expect((await crane("ls", `${site().host}/team/app`)).stdout.trim()).toBe("1");
      expect((await crane("catalog", site().host)).stdout.trim()).toBe("team/app");
      expect((await crane("pull", "--format=oci", name, join(site().folder, "pulled"))).code).toBe(0);
      await crane("auth", "logout", site().host);
      expect((await crane("ls", `${site().host}/team/app`)).code).not.toBe(0);
    },
    SLOW,
  );
});

const RULES = {
  access: [
    { name: "alice", type: "registry", action: ["*"] },
    { match: { account: "/^.+$/", name: "${account}/*" }, actions: ["*"] },
    { name: "*", type: "repository", repository: "public/*", action: ["pull"] },
    { name: "anonymous", type: "repository", repository: "public/*", action: ["pull"] },
  ],
};

describePeers("public repositories beside private ones", ["docker", "crane", "htpasswd"], () => {
  const site = useAuthSite("docker-anonymous", { rest: RULES });
  let engine: DockerEngine;

  beforeAll(async () => {
    engine = site().own(await startDockerEngine());
    await engine.docker(["load"], { input: site().archive });
  }, SLOW);

  const remote = (name: string) => `${site().host}/${name}`;
  const login = (user: keyof typeof USERS) =>
    engine.docker(["login", "--username", user, "--password-stdin", site().host], { input: USERS[user] });
  const push = async (name: string) => {
    await engine.docker(["tag", "fixture:1", remote(name)]);
    return engine.attempt(["push", remote(name)]);
  };
  const pull = async (name: string) => {
    await engine.attempt(["rmi", remote(name)]);
    return engine.attempt(["pull", remote(name)]);
  };

  it(
    "the engine pulls what is public without a login, and asks for one for everything else",
    async () => {
      await login("alice");
      for (const name of ["public/app:1", "team/app:1"]) {
        const pushed = await push(name);
        expect(pushed.code, said(pushed)).toBe(0);
      }
      await engine.docker(["logout", site().host]);
      const open = await pull("public/app:1");
      expect(open.code, said(open)).toBe(0);
      expect(said(await pull("team/app:1"))).toMatch(/denied|unauthorized/);
      expect(said(await push("public/app:2"))).toMatch(/denied|unauthorized/);
    },
    SLOW,
  );

  it(
    "a user pulls what is public, and works in a place of their own, and nowhere else",
    async () => {
      await login("bob");
      const open = await pull("public/app:1");
      expect(open.code, said(open)).toBe(0);
      const own = await push("bob/app:1");
      expect(own.code, said(own)).toBe(0);
      expect((await pull("bob/app:1")).code).toBe(0);
      expect(said(await push("public/app:2"))).toMatch(/denied|unauthorized/);
      expect(said(await pull("team/app:1"))).toMatch(/denied|unauthorized/);
      await engine.docker(["logout", site().host]);
    },
    SLOW,
  );

  it(
    "a wrong password is refused by the token endpoint",
    async () => {
      const { code, stderr } = await engine.attempt(["login", "--username", "alice", "--password-stdin", site().host], {
        input: "wrong",
      });
      expect(code).not.toBe(0);
      expect(stderr).toContain("unauthorized");
    },
    SLOW,
  );

  it(
    "crane does, too, and the catalog shows each what they may pull",
    async () => {
      const crane = (folder: string, ...args: string[]) =>
        attempt("crane", args, {
          env: { SSL_CERT_FILE: site().authority, DOCKER_CONFIG: join(site().folder, folder) },
        });
      expect((await crane("nobody", "manifest", remote("public/app:1"))).code).toBe(0);
      expect((await crane("nobody", "manifest", remote("team/app:1"))).code).not.toBe(0);
      await crane("alice", "auth", "login", site().host, "--username", "alice", "--password", USERS.alice);
      const { stdout } = await crane("alice", "catalog", site().host);
      expect(stdout.trim().split("\n")).toEqual(["bob/app", "public/app", "team/app"]);
    },
    SLOW,
  );
});
