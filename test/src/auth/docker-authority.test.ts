import { mkdir, rm, writeFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { startDockerEngine, type DockerEngine } from "../clients/docker-engine.js";
import { SLOW } from "../clients/site.js";
import { describePeers } from "@longshore/testkit/peers";
import { useAuthSite, USERS } from "./site.js";

/** Docker doesn't verify certificates of loopback addresses: this machine's own other one, where it has one. */
const address = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address;

/** Where every Docker engine looks for authorities, by registry. */
const CERTIFICATES = "/etc/docker/certs.d";

describe.runIf(address !== undefined)("a registry that isn't on loopback", () => {
  describePeers("docker trusts our authority through certs.d", ["docker", "htpasswd"], () => {
    const site = useAuthSite("docker-authority", address === undefined ? {} : { address });
    let engine: DockerEngine;

    beforeAll(async () => {
      engine = site().own(await startDockerEngine());
      await engine.docker(["load"], { input: site().archive });
    }, SLOW);

    it(
      "is refused while nobody vouches for it, and serves login, push, pull and logout when our authority does",
      async () => {
        const { host, identities, own } = site();
        const login = () =>
          engine.attempt(["login", "--username", "alice", "--password-stdin", host], { input: USERS.alice });
        expect((await login()).stderr).toContain("certificate signed by unknown authority");

        const folder = join(CERTIFICATES, host);
        await mkdir(folder, { recursive: true });
        own({ [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) });
        await writeFile(join(folder, "ca.crt"), identities.authority);

        const name = `${host}/team/app:1`;
        expect((await login()).stdout).toContain("Login Succeeded");
        await engine.docker(["tag", "fixture:1", name]);
        await engine.docker(["push", name]);
        await engine.docker(["rmi", name]);
        expect((await engine.docker(["pull", name])).stdout).toContain("Downloaded newer image");
        await engine.docker(["logout", host]);
        expect((await engine.attempt(["pull", name])).stderr).toMatch(/no basic auth credentials|unauthorized/);
      },
      SLOW,
    );
  });
});
