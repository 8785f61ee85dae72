import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { freePort } from "@longshore/testkit/loopback";
import { describePeers } from "@longshore/testkit/peers";
import { attempt, run, startDaemon } from "@longshore/testkit/processes";
import { PROGRAM, PROJECT } from "@longshore/testkit/project";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { stringify } from "yaml";
import { standInForNodeImage } from "../clients/base-image.js";

const SLOW = 300_000;

describePeers("the Debian package", ["debootstrap", "mount", "systemd"], () => {
  let folder: string;
  let system: string;

  beforeAll(async () => {
    const own = await makeTemporaryFolder("debian");
    folder = own.path;
    system = join(folder, "system");
    const made = await run(process.execPath, [join(PROJECT, "deploy/package/debian.mjs"), folder]);
    await mkdir(system);
    await run("tar", ["-C", system, "-xf", await standInForNodeImage()]);
    // Node is there, but not as a package.
    await run("dpkg", [`--root=${system}`, "--force-depends", "--install", made.stdout.trim()]);
    return () => own[Symbol.asyncDispose]();
  }, SLOW);

  const inside = (command: string) => attempt("chroot", [system, "sh", "-c", command]);

  it("has a user, a folder that is that user's alone, and a program that says its version", async () => {
    expect((await inside("id -un longshore; stat -c '%U %a' /var/lib/longshore")).stdout).toBe(
      "longshore\nlongshore 750\n",
    );
    expect((await inside("registry --version")).stdout).toMatch(/^registry longshore \d/);
  });

  it("keeps secrets from the machine's other users", async () => {
    const { stdout } = await inside("stat -c '%a %U %G %n' /etc/default/longshore /etc/longshore/config.yml");
    expect(stdout).toBe("600 root root /etc/default/longshore\n640 root longshore /etc/longshore/config.yml\n");
  });

  it("serves, by its configuration and as its user, what only this machine can reach", async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const serve =
      "exec setpriv --reuid=longshore --regid=longshore --clear-groups registry serve /etc/longshore/config.yml";
    const registry = await startDaemon("chroot", [system, "sh", "-c", serve], {
      env: { REGISTRY_HTTP_ADDR: address },
      ready: async () => (await fetch(`http://${address}/v2/`)).status === 200,
    });
    expect(await registry.stop()).toBe(0);
    expect((await inside("registry verify /etc/longshore/config.yml")).stdout).toContain("no errors, no warnings");
    expect((await inside("grep addr /etc/longshore/config.yml")).stdout).toContain("127.0.0.1:5000");
  });

  it("leaves the images when it is purged", async () => {
    await writeFile(join(system, "var/lib/longshore/image"), "");
    const { stderr } = await run("dpkg", [`--root=${system}`, "--purge", "longshore"]);
    expect(stderr).toContain("/var/lib/longshore is left");
    expect(await readdir(join(system, "var/lib/longshore"))).toEqual(["image"]);
    expect(await readdir(join(system, "etc"))).not.toContain("longshore");
  });
});

describePeers("the systemd units", ["systemd"], () => {
  const unit = (name: string) => join(PROJECT, "deploy/systemd", name);

  it.each(["longshore.service", "longshore.socket"])("%s has no mistake", async (name) => {
    const { stdout, stderr } = await attempt("systemd-analyze", ["verify", unit(name)]);
    // The program isn't installed here.
    const findings = (stdout + stderr)
      .split("\n")
      .filter((line) => !line.includes("/usr/bin/registry is not executable"));
    expect(findings.join("\n").trim()).toBe("");
  });

  it("the socket is reached from this machine alone, as the package's configuration is", async () => {
    const text = await readFile(unit("longshore.socket"), "utf8");
    expect([...text.matchAll(/^ListenStream=(.*)$/gm)].map(([, address]) => address)).toEqual(["127.0.0.1:5000"]);
  });

  it("the service may do little: systemd's figure is 2.0 at most, of 10", async () => {
    await run("systemd-analyze", ["security", "--offline=yes", "--threshold=20", unit("longshore.service")]);
  });

  it("a socket that systemd passes takes the place of http.addr, for all workers", async () => {
    await using own = await makeTemporaryFolder("socket");
    const config = join(own.path, "config.yml");
    const storage = { filesystem: { rootdirectory: join(own.path, "data") } };
    await writeFile(
      config,
      stringify({ version: 0.1, storage, http: { addr: "127.0.0.1:1", workers: 2, secret: "own" } }),
    );
    const address = `127.0.0.1:${await freePort()}`;
    const registry = await startDaemon(
      "systemd-socket-activate",
      [`--listen=${address}`, process.execPath, PROGRAM, "serve", config],
      {
        ready: async (output) =>
          (await fetch(`http://${address}/v2/`)).status === 200 && output.includes(`listening on ${address}`),
      },
    );
    expect(await registry.stop()).toBe(0);
  });
});
