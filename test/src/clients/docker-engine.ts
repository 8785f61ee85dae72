import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { attempt, type Result, run, type RunOptions, startDaemon } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";

/** A Docker engine of the test's own: its own data, its own socket, no bridge and no firewall rules. */
export interface DockerEngine extends AsyncDisposable {
  /** `docker <args>` against this engine; throws unless it succeeds. */
  docker(args: readonly string[], options?: RunOptions): Promise<Result>;
  /** The same, for a command whose failure the test looks at. */
  attempt(args: readonly string[], options?: RunOptions): Promise<Result>;
  /** What a program needs in its environment to reach this engine. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Starts an engine. Containers run on the host's network, since it has no bridge. The storage driver is the engine's own
 * choice: overlay2 where the machine allows it, else vfs, which copies the whole image for each container.
 */
export async function startDockerEngine({
  mirrors = [],
}: { /** URLs of mirrors of Docker Hub. */ readonly mirrors?: readonly string[] } = {}): Promise<DockerEngine> {
  const folder = await makeTemporaryFolder("docker");
  const at = (name: string) => join(folder.path, name);
  const env = { DOCKER_HOST: `unix://${at("engine.sock")}`, DOCKER_CONFIG: at("client"), DOCKER_BUILDKIT: "0" };
  const daemon = await startDaemon(
    "dockerd",
    [
      "--iptables=false",
      "--ip-forward=false",
      "--ip-masq=false",
      "--bridge=none",
      `--data-root=${at("root")}`,
      `--exec-root=${at("exec")}`,
      `--pidfile=${at("engine.pid")}`,
      `--host=${env.DOCKER_HOST}`,
      ...mirrors.map((url) => `--registry-mirror=${url}`),
    ],
    { ready: async () => (await attempt("docker", ["version"], { env })).code === 0 },
  );
  return {
    env,
    docker: (args, options) => run("docker", args, { ...options, env: { ...env, ...options?.env } }),
    attempt: (args, options) => attempt("docker", args, { ...options, env: { ...env, ...options?.env } }),
    async [Symbol.asyncDispose]() {
      await daemon.stop();
      for (const mount of await mountsBelow(folder.path)) {
        await run("umount", [mount]);
      }
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** The engine leaves the mount of the host's network namespace, which no folder can be removed around. */
async function mountsBelow(path: string): Promise<readonly string[]> {
  const table = (await readFile("/proc/self/mounts", "utf8")).split("\n");
  return table.map((line) => line.split(" ")[1] ?? "").filter((mount) => mount.startsWith(`${path}/`));
}
