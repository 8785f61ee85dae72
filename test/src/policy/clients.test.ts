import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describePeer } from "@longshore/testkit/peers";
import { attempt } from "@longshore/testkit/processes";
import { startRegistry, type RunningRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startDockerEngine } from "../clients/docker-engine.js";
import { dockerArchive, type Image, makeImage, writeLayout } from "../clients/images.js";
import { SLOW } from "../clients/site.js";

const REFUSED = /the tag v1 of team\/app is immutable by the rule \\*"releases/;

/** A registry with an immutable tag, and a folder with another image in a layout. */
function useImmutableTag(name: string) {
  const [held, other]: Image[] = [makeImage("oci"), makeImage("oci")];
  if (held === undefined || other === undefined) throw new Error("unreachable");
  let registry: RunningRegistry | undefined;
  let folder: Awaited<ReturnType<typeof makeTemporaryFolder>> | undefined;

  beforeAll(async () => {
    folder = await makeTemporaryFolder(name);
    registry = await startRegistry({ config: { policy: { immutable: [{ name: "releases", tags: ["v*"] }] } } });
    await writeLayout(join(folder.path, "layout"), { held, other });
    for (const [tag, reference] of [
      ["held", "v1"],
      ["other", "moving"],
    ] as const) {
      const copied = await attempt("skopeo", [
        "--insecure-policy",
        "copy",
        "--dest-tls-verify=false",
        "--preserve-digests",
        `oci:${folder.path}/layout:${tag}`,
        `docker://${new URL(registry.url).host}/team/app:${reference}`,
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
    remote: (tag: string) => `${new URL(registry?.url ?? "").host}/team/app:${tag}`,
    /** Fails unless the program did, and said why. */
    async expectRefusal(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
      const { code, stdout, stderr } = await attempt(program, args, { env, cwd: folder?.path ?? "" });
      expect(code).not.toBe(0);
      expect(stdout + stderr).toMatch(REFUSED);
      const response = await fetch(`${registry?.url ?? ""}/v2/team/app/manifests/v1`, {
        headers: { accept: "application/vnd.oci.image.manifest.v1+json" },
      });
      expect(response.headers.get("docker-content-digest")).toBe(held.manifest.digest);
    },
  };
}

describePeer("skopeo", () => {
  const site = useImmutableTag("immutable-skopeo");
  it("skopeo says which rule keeps a tag", { timeout: SLOW }, async () => {
    const copy = ["--insecure-policy", "copy", "--src-tls-verify=false", "--dest-tls-verify=false"];
    await site.expectRefusal("skopeo", [...copy, `docker://${site.remote("moving")}`, `docker://${site.remote("v1")}`]);
    await site.expectRefusal("skopeo", ["delete", "--tls-verify=false", `docker://${site.remote("v1")}`]);
  });
});

describePeer("crane", () => {
  const site = useImmutableTag("immutable-crane");
  it("crane says which rule keeps a tag", { timeout: SLOW }, async () => {
    await site.expectRefusal("crane", ["copy", "--insecure", site.remote("moving"), site.remote("v1")]);
    await site.expectRefusal("crane", ["tag", "--insecure", site.remote("moving"), "v1"]);
    await site.expectRefusal("crane", ["delete", "--insecure", site.remote("v1")]);
  });
});

describePeer("oras", () => {
  const site = useImmutableTag("immutable-oras");
  it("oras says which rule keeps a tag", { timeout: SLOW }, async () => {
    await writeFile(join(site.folder, "file.txt"), "text");
    await site.expectRefusal("oras", ["tag", "--plain-http", site.remote("moving"), "v1"]);
    await site.expectRefusal("oras", ["push", "--plain-http", site.remote("v1"), "file.txt"]);
    await site.expectRefusal("oras", ["manifest", "delete", "--plain-http", "--force", site.remote("v1")]);
  });
});

describePeer("podman", () => {
  const site = useImmutableTag("immutable-podman");
  it("podman says which rule keeps a tag", { timeout: SLOW }, async () => {
    const storage = ["root", "runroot", "tmpdir"].map((each) => `--${each}=${join(site.folder, each)}`);
    const podman = [...storage, "--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--events-backend=none"];
    const archive = join(site.folder, "image.tar");
    await writeFile(archive, dockerArchive(makeImage("docker"), site.remote("v1")));
    expect((await attempt("podman", [...podman, "load", `--input=${archive}`])).code).toBe(0);
    await site.expectRefusal("podman", [...podman, "push", "--tls-verify=false", site.remote("v1")]);
  });
});

describePeer("docker", () => {
  const site = useImmutableTag("immutable-docker");
  it("the Docker engine says which rule keeps a tag", { timeout: SLOW }, async () => {
    await using engine = await startDockerEngine();
    await engine.docker(["load"], { input: dockerArchive(makeImage("docker"), site.remote("v1")) });
    await site.expectRefusal("docker", ["push", site.remote("v1")], engine.env);
  });
});
