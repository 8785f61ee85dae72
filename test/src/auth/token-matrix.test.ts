import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "@longshore/testkit/loopback";
import { describePeers } from "@longshore/testkit/peers";
import { startDaemon } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import bcrypt from "bcryptjs";
import { beforeAll, describe, it } from "vitest";
import { stringify } from "yaml";
import { SLOW, useResources } from "../clients/site.js";
import { serveRegistry } from "../server/process.js";
import { startDockerAuthRealm } from "./docker-auth-realm.js";
import { CLIENTS, prepareClients, type Login, type MatrixClient } from "./matrix-clients.js";
import { expectRefusal, expectSuccess } from "./matrix-results.js";

/** Who there is, at every registry of the matrix. */
const WRITER: Login = { account: "wendy", password: "wendy's: secret" };
const READER: Login = { account: "rob", password: "röb" };
const OTHER_TEAM: Login = { account: "olga", password: "correct horse" };

const USERS = Object.fromEntries(
  [WRITER, READER, OTHER_TEAM].map(({ account, password }) => [account, { password: bcrypt.hashSync(password, 4) }]),
);

describePeers(
  "rights for each repository, with real clients",
  ["docker", "podman", "skopeo", "crane", "containerd", "docker-registry"],
  () => {
    const own = useResources();
    const hosts = new Map<string, string>();
    const clients = new Map<string, MatrixClient>();

    beforeAll(async () => {
      const folder = own(await makeTemporaryFolder("matrix")).path;
      hosts.set(OURS, await serveOurs(own));
      hosts.set(THEIRS, await serveTheirs(folder, own));
      const prepared = await prepareClients(folder, own);
      for (const name of CLIENTS) clients.set(name, await prepared[name]());
    }, SLOW);

    describe.each([OURS, THEIRS])("%s", (registry) => {
      const place = (name: string) => `${hosts.get(registry) ?? ""}/${name}`;

      it.each(CLIENTS)(
        "%s pushes, pulls and is refused as the rules say",
        async (name) => {
          const client = clients.get(name);
          if (client === undefined) throw new Error(`${name} has not started`);
          const wrong = { ...WRITER, password: READER.password };
          if (client.login !== undefined) expectRefusal(await client.login(hosts.get(registry) ?? "", wrong));
          const [alpha, beta, open] = [place(`alpha/${name}:1`), place(`beta/${name}:1`), place(`public/${name}:1`)];
          for (const reference of [alpha, open]) expectSuccess(await client.push(reference, WRITER));
          expectSuccess(await client.pull(alpha, READER));
          expectRefusal(await client.push(place(`alpha/${name}:2`), READER));
          expectSuccess(await client.push(beta, OTHER_TEAM));
          expectRefusal(await client.pull(alpha, OTHER_TEAM));
          expectRefusal(await client.push(place(`alpha/${name}:3`), OTHER_TEAM));
          expectRefusal(await client.pull(beta, WRITER));
          expectSuccess(await client.pull(open, undefined));
          expectRefusal(await client.pull(alpha, undefined));
          expectRefusal(await client.push(place(`public/${name}:2`), undefined));
        },
        SLOW,
      );
    });
  },
);

const OURS = "a registry with a token server";
const THEIRS = "Distribution 2.8 with registry token-server as its realm";

async function serveOurs(own: ReturnType<typeof useResources>): Promise<string> {
  const registry = own(
    await serveRegistry({
      rest: {
        access: [{ name: "anonymous", type: "repository", repository: "public/*", action: ["pull"] }],
        tokenserver: {
          service: "our registry",
          rules: ["access", "roles"],
          local: { users: USERS },
          roles: {
            grants: [
              { role: "writer", repositories: ["alpha/*", "public/*"], accounts: [WRITER.account] },
              { role: "reader", repositories: ["alpha/*"], accounts: [READER.account] },
              { role: "writer", repositories: ["beta/*"], accounts: [OTHER_TEAM.account] },
            ],
          },
        },
      },
    }),
  );
  return `127.0.0.1:${registry.port}`;
}

/** Distribution, and our server with a file that docker_auth would take. */
async function serveTheirs(folder: string, own: ReturnType<typeof useResources>): Promise<string> {
  const at = (name: string) => join(folder, name);
  const auth = await startDockerAuthRealm(folder, own, {
    users: { ...USERS, "": {} },
    acl: [
      { match: { account: WRITER.account, name: "/^(alpha|public)/.+$/" }, actions: ["*"] },
      { match: { account: READER.account, name: "alpha/*" }, actions: ["pull"] },
      { match: { account: OTHER_TEAM.account, name: "beta/*" }, actions: ["pull", "push"] },
      { match: { account: "", name: "public/*" }, actions: ["pull"] },
    ],
  });
  const host = `127.0.0.1:${await freePort()}`;
  const registry = {
    version: 0.1,
    storage: { filesystem: { rootdirectory: at("theirs") } },
    http: { addr: host },
    auth,
  };
  await writeFile(at("theirs.yml"), stringify(registry));
  const theirs = await startDaemon("docker-registry", ["serve", at("theirs.yml")], {
    ready: async () => (await fetch(`http://${host}/v2/`)).status === 401,
  });
  own({ [Symbol.asyncDispose]: async () => void (await theirs.stop()) });
  return host;
}
