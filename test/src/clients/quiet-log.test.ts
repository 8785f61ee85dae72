import { join } from "node:path";
import { expect, it } from "vitest";
import { passwordLine } from "../auth/support.js";
import { serveRegistry } from "../server/process.js";
import { describePeer } from "@longshore/testkit/peers";
import { run } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { makeImage, writeLayout } from "./images.js";
import { SLOW } from "./site.js";

describePeer("skopeo", () => {
  it(
    "pushes and pulls, asks for what isn't there, and leaves no line above info in a registry's log",
    async () => {
      await using folder = await makeTemporaryFolder("quiet");
      await using registry = await serveRegistry({
        rest: {
          log: { level: "info" },
          auth: { htpasswd: { realm: "Registry", path: "FOLDER/htpasswd" } },
          access: [
            { name: "anonymous", type: "repository", repository: "public/*", action: ["pull"] },
            { name: "alice", type: "registry", action: ["*"] },
          ],
        },
        files: { htpasswd: passwordLine("alice", "alice's") },
      });
      const started = registry.stderr().length;
      await writeLayout(join(folder.path, "layout"), { single: makeImage("oci") });
      const layout = `oci:${join(folder.path, "layout")}:single`;
      const remote = `docker://127.0.0.1:${registry.port}/public/app:1`;
      const skopeo = (...args: string[]) => run("skopeo", ["--insecure-policy", ...args]);
      await skopeo("copy", "--dest-tls-verify=false", "--dest-creds", "alice:alice's", layout, remote);
      await skopeo("copy", "--src-tls-verify=false", "--src-no-creds", remote, `dir:${join(folder.path, "pulled")}`);
      await expect(skopeo("inspect", "--tls-verify=false", "--no-creds", `${remote}-missing`)).rejects.toThrow();
      registry.kill("SIGTERM");
      await registry.exited;
      const log = registry.stderr().slice(started);
      // Each layer is looked for before it is pushed: those lines are there, at info.
      expect(log).toMatch(/level=info msg="response completed with error" .*err\.code="blob unknown"/);
      expect(log).toMatch(/level=info msg="response completed with error" .*err\.code="manifest unknown"/);
      expect(log.split("\n").filter((line) => line !== "" && !line.includes(" level=info "))).toEqual([]);
    },
    SLOW,
  );
});
