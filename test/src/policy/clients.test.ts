import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { OCI_MANIFEST } from "@longshore/testkit/fixtures";
import { describePeer } from "@longshore/testkit/peers";
import { attempt } from "@longshore/testkit/processes";
import { startRegistry, type RunningRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startDockerEngine } from "../clients/docker-engine.js";
import { dockerArchive, type Image, makeImage, writeLayout } from "../clients/images.js";
import { SLOW } from "../clients/site.js";

const IMMUTABLE = /the tag v1 of team\/app is immutable by the rule \\*"releases/;
const FULL = /the quota \\*"small\\*" of small allows [^;]*; delete tags that aren't needed/;
const LIMITED =
  /the limit \\*"pulls\\*" is reached: 1 pulls in 6h for clients that aren't logged in; try again in (5h59m\d+s|6h)/;
const GONE = /manifest unknown|not found/i;

const POLICY = {
  immutable: [{ name: "releases", repositories: ["team/*"], tags: ["v*"] }],
  quota: [{ name: "small", prefix: "small", bytes: 100 }],
  ratelimit: {
    rules: [
      { name: "pulls", repositories: ["limited/*"], count: "pulls", limit: 1, window: "6h" },
      // One is possible at once, and the next one after two seconds.
      { name: "short", repositories: ["slow/*"], count: "pulls", limit: 1, window: "2s" },
    ],
  },
};

/** A registry with an immutable tag, a quota without room and limits, and a folder with another image in a layout. */
function usePolicies(name: string) {
  const [held, other]: Image[] = [makeImage("oci"), makeImage("oci")];
  if (held === undefined || other === undefined) throw new Error("unreachable");
  let registry: RunningRegistry | undefined;
  let folder: Awaited<ReturnType<typeof makeTemporaryFolder>> | undefined;

  beforeAll(async () => {
    folder = await makeTemporaryFolder(name);
    registry = await startRegistry({ config: { policy: POLICY } });
    await writeLayout(join(folder.path, "layout"), { held, other });
    for (const [tag, reference] of [
      ["held", "team/app:v1"],
      ["other", "team/app:moving"],
      ["held", "limited/app:v1"],
      ["held", "slow/app:v1"],
    ] as const) {
      const copied = await attempt("skopeo", [
        "--insecure-policy",
        "copy",
        "--dest-tls-verify=false",
        "--preserve-digests",
        `oci:${folder.path}/layout:${tag}`,
        `docker://${new URL(registry.url).host}/${reference}`,
      ]);
      if (copied.code !== 0) throw new Error(copied.stderr);
    }
  }, SLOW);
  afterAll(async () => {
    await registry?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  }, SLOW);

  return {
    get folder() {
      return folder?.path ?? "";
    },
    remote: (tag: string, repository = "team/app") => `${new URL(registry?.url ?? "").host}/${repository}:${tag}`,
    /** Fails unless the program did, and said why. */
    async expectFailure(
      why: RegExp,
      program: string,
      args: readonly string[],
      env: Readonly<Record<string, string>> = {},
    ) {
      const { code, stdout, stderr } = await attempt(program, args, { env, cwd: folder?.path ?? "" });
      expect(code).not.toBe(0);
      expect(stdout + stderr).toMatch(why);
    },
    /** Uses up what may be pulled from `repository` at once. */
    async exhaust(repository: string) {
      const path = `${registry?.url ?? ""}/v2/${repository}/manifests/v1`;
      await expect.poll(async () => (await fetch(path, { headers: { accept: OCI_MANIFEST } })).status).toBe(429);
    },
    async expectRefusal(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
      await this.expectFailure(IMMUTABLE, program, args, env);
      const response = await fetch(`${registry?.url ?? ""}/v2/team/app/manifests/v1`, {
        headers: { accept: OCI_MANIFEST },
      });
      expect(response.headers.get("docker-content-digest")).toBe(held.manifest.digest);
    },
  };
}

describePeer("skopeo", () => {
  const site = usePolicies("policies-skopeo");
  it("skopeo says which rule keeps a tag", { timeout: SLOW }, async () => {
    const copy = ["--insecure-policy", "copy", "--src-tls-verify=false", "--dest-tls-verify=false"];
    await site.expectRefusal("skopeo", [...copy, `docker://${site.remote("moving")}`, `docker://${site.remote("v1")}`]);
    await site.expectRefusal("skopeo", ["delete", "--tls-verify=false", `docker://${site.remote("v1")}`]);
  });
  it(
    "skopeo says which quota is used up, that a tag is gone, and waits for a limit as it is told",
    { timeout: SLOW },
    async () => {
      const copy = ["--insecure-policy", "copy", "--src-tls-verify=false", "--dest-tls-verify=false"];
      const [from, to] = [site.remote("moving"), site.remote("v1", "small/app")];
      await site.expectFailure(FULL, "skopeo", [...copy, `docker://${from}`, `docker://${to}`]);
      const inspect = ["inspect", "--tls-verify=false"];
      await site.expectFailure(GONE, "skopeo", [...inspect, `docker://${site.remote("gone")}`]);
      await site.exhaust("slow/app");
      expect(await attempt("skopeo", [...inspect, `docker://${site.remote("v1", "slow/app")}`])).toMatchObject({
        code: 0,
      });
    },
  );
});

describePeer("crane", () => {
  const site = usePolicies("policies-crane");
  it("crane says which rule keeps a tag", { timeout: SLOW }, async () => {
    await site.expectRefusal("crane", ["copy", "--insecure", site.remote("moving"), site.remote("v1")]);
    await site.expectRefusal("crane", ["tag", "--insecure", site.remote("moving"), "v1"]);
    await site.expectRefusal("crane", ["delete", "--insecure", site.remote("v1")]);
  });
  it("crane says which quota or limit is used up, and that a tag is gone", { timeout: SLOW }, async () => {
    await site.expectFailure(FULL, "crane", [
      "copy",
      "--insecure",
      site.remote("moving"),
      site.remote("v1", "small/app"),
    ]);
    await site.expectFailure(GONE, "crane", ["manifest", "--insecure", site.remote("gone")]);
    await site.exhaust("limited/app");
    await site.expectFailure(LIMITED, "crane", ["manifest", "--insecure", site.remote("v1", "limited/app")]);
  });
});

describePeer("oras", () => {
  const site = usePolicies("policies-oras");
  it("oras says which rule keeps a tag", { timeout: SLOW }, async () => {
    await writeFile(join(site.folder, "file.txt"), "text");
    await site.expectRefusal("oras", ["tag", "--plain-http", site.remote("moving"), "v1"]);
    await site.expectRefusal("oras", ["push", "--plain-http", site.remote("v1"), "file.txt"]);
    await site.expectRefusal("oras", ["manifest", "delete", "--plain-http", "--force", site.remote("v1")]);
  });
  it(
    "oras says which quota is used up, that a tag is gone, and waits for a limit as it is told",
    { timeout: SLOW },
    async () => {
      await writeFile(join(site.folder, "large.bin"), Buffer.alloc(200));
      await site.expectFailure(FULL, "oras", ["push", "--plain-http", site.remote("v1", "small/app"), "large.bin"]);
      await site.expectFailure(GONE, "oras", ["manifest", "fetch", "--plain-http", site.remote("gone")]);
      await site.exhaust("slow/app");
      const fetched = await attempt("oras", ["manifest", "fetch", "--plain-http", site.remote("v1", "slow/app")]);
      expect(fetched).toMatchObject({ code: 0 });
    },
  );
});

describePeer("podman", () => {
  const site = usePolicies("policies-podman");
  it(
    "podman says which rule keeps a tag and which quota is used up, and waits for a limit as it is told",
    { timeout: SLOW },
    async () => {
      const storage = ["root", "runroot", "tmpdir"].map((each) => `--${each}=${join(site.folder, each)}`);
      const podman = [...storage, "--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--events-backend=none"];
      const archive = join(site.folder, "image.tar");
      await writeFile(archive, dockerArchive(makeImage("docker"), site.remote("v1")));
      expect((await attempt("podman", [...podman, "load", `--input=${archive}`])).code).toBe(0);
      const push = [...podman, "push", "--tls-verify=false"];
      await site.expectRefusal("podman", [...push, site.remote("v1")]);
      await site.expectFailure(FULL, "podman", [
        ...push,
        site.remote("v1"),
        `docker://${site.remote("v1", "small/app")}`,
      ]);
      const pull = [...podman, "pull", "--tls-verify=false"];
      await site.expectFailure(GONE, "podman", [...pull, site.remote("gone")]);
      await site.exhaust("slow/app");
      expect(await attempt("podman", [...pull, site.remote("v1", "slow/app")])).toMatchObject({ code: 0 });
    },
  );
});

describePeer("docker", () => {
  const site = usePolicies("policies-docker");
  it(
    "the Docker engine says which rule keeps a tag, which quota or limit is used up, and that a tag is gone",
    { timeout: SLOW },
    async () => {
      await using engine = await startDockerEngine();
      await engine.docker(["load"], { input: dockerArchive(makeImage("docker"), site.remote("v1")) });
      await site.expectRefusal("docker", ["push", site.remote("v1")], engine.env);

      const full = site.remote("v1", "small/app");
      await engine.docker(["tag", site.remote("v1"), full]);
      await site.expectFailure(FULL, "docker", ["push", full], engine.env);
      await site.expectFailure(GONE, "docker", ["pull", site.remote("gone")], engine.env);
      await site.exhaust("limited/app");
      await site.expectFailure(LIMITED, "docker", ["pull", site.remote("v1", "limited/app")], engine.env);
    },
  );
});
