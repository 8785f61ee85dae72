import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describePeers } from "@longshore/testkit/peers";
import { run } from "@longshore/testkit/processes";
import { NEWER } from "@longshore/testkit/programs";
import { PROGRAM } from "@longshore/testkit/project";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import bcrypt from "bcryptjs";
import { beforeAll, describe, expect, it } from "vitest";
import { SLOW, useResources } from "../clients/site.js";
import { serveRegistry, type ServedRegistry } from "../server/process.js";
import { startDockerAuthRealm } from "./docker-auth-realm.js";
import { prepareClients, type Login, type MatrixClient } from "./matrix-clients.js";
import { expectRefusal, expectSuccess } from "./matrix-results.js";
import { prepareSigners, SIGNERS, type MatrixSigner } from "./matrix-signers.js";
import { passwordLine } from "./support.js";

const WENDY: Login = { account: "wendy", password: "wendy's: secret" };
const USERS = { [WENDY.account]: { password: bcrypt.hashSync(WENDY.password, 4) } };
const CLIENTS = ["docker", "podman", "buildah", "skopeo", "crane", "oras", "ctr"] as const;

/** A registry and who may do everything below `team/` there; undefined: everybody. */
interface Mode {
  readonly registry: ServedRegistry;
  readonly who?: Login;
}

type Own = ReturnType<typeof useResources>;
const RULES = [{ match: { account: "/^(wendy|robot/ci)$/", name: "team/*" }, actions: ["*"] }];

async function withTokenServer(own: Own): Promise<ServedRegistry> {
  return own(await serveRegistry({ rest: { access: RULES, tokenserver: { personal: {}, local: { users: USERS } } } }));
}

const MODES: Readonly<Record<string, (own: Own, folder: string) => Promise<Mode>>> = {
  "no authentication": async (own) => ({ registry: own(await serveRegistry()) }),
  htpasswd: async (own, folder) => {
    const path = join(folder, "htpasswd");
    await writeFile(path, passwordLine(WENDY.account, WENDY.password));
    return {
      registry: own(await serveRegistry({ rest: { auth: { htpasswd: { realm: "A realm", path } } } })),
      who: WENDY,
    };
  },
  "the registry's own tokens": async (own) => ({ registry: await withTokenServer(own), who: WENDY }),
  "a personal access token": async (own) => {
    const registry = await withTokenServer(own);
    const command = ["token", "create", join(registry.folder, "config.yml"), "--robot", "ci"];
    const scope = "repository:team/*:pull,push,delete";
    const { stdout } = await run(process.execPath, [PROGRAM, ...command, "--scope", scope]);
    return { registry, who: { account: "robot/ci", password: stdout.trim() } };
  },
  "tokens of another realm": async (own, folder) => {
    const auth = await startDockerAuthRealm(folder, own, {
      users: USERS,
      acl: [{ match: { account: WENDY.account, name: "team/*" }, actions: ["*"] }],
    });
    return { registry: own(await serveRegistry({ rest: { auth } })), who: WENDY };
  },
};

describePeers("newer clients log in, push, pull, copy and delete", ["newer-clients", "crane", "oras"], () => {
  const own = useResources();
  const modes = new Map<string, Mode>();
  const clients = new Map<string, MatrixClient>();
  const signers = new Map<string, MatrixSigner>();

  beforeAll(async () => {
    const folder = own(await makeTemporaryFolder("newer")).path;
    for (const [name, open] of Object.entries(MODES)) modes.set(name, await open(own, folder));
    const prepared = await prepareClients(folder, own, { programs: NEWER });
    for (const name of CLIENTS) clients.set(name, await prepared[name]());
    for (const [name, signer] of Object.entries(await prepareSigners(folder))) signers.set(name, signer);
  }, SLOW);

  describe.each(Object.keys(MODES))("with %s", (modeName) => {
    const open = () => {
      const mode = modes.get(modeName);
      if (mode === undefined) throw new Error(`the registry with ${modeName} has not started`);
      return { who: mode.who, host: `127.0.0.1:${mode.registry.port}` };
    };
    /** Somebody whom the registry doesn't know; not wendy, who would be locked out after a few attempts. */
    const stranger = (name: string): Login => ({ account: `stranger-${name}`, password: WENDY.password });

    it.each(CLIENTS)(
      "%s",
      async (name) => {
        const client = clients.get(name);
        if (client === undefined) throw new Error(`${name} has not started`);
        const { who, host } = open();
        const [reference, copied] = [`${host}/team/${name}:1`, `${host}/team/copied-by-${name}:1`];
        if (who !== undefined) {
          if (client.login !== undefined) expectRefusal(await client.login(host, stranger(name)));
          expectRefusal(await client.push(reference, undefined));
        }
        expectSuccess(await client.push(reference, who));
        if (who !== undefined) expectRefusal(await client.pull(reference, undefined));
        expectSuccess(await client.pull(reference, who));
        if (client.copy !== undefined) {
          expectSuccess(await client.copy(reference, copied, who));
          expectSuccess(await client.pull(copied, who));
        }
        if (client.remove !== undefined) {
          if (who !== undefined) expectRefusal(await client.remove(reference, undefined));
          expectSuccess(await client.remove(reference, who));
          expect((await client.pull(reference, who)).code).not.toBe(0);
        }
      },
      SLOW,
    );

    it.each(SIGNERS)(
      "%s",
      async (name) => {
        const signer = signers.get(name);
        const crane = clients.get("crane");
        if (signer === undefined || crane === undefined) throw new Error(`${name} has not started`);
        const { who, host } = open();
        const pushed = await crane.push(`${host}/team/signed-by-${name}:1`, who);
        expectSuccess(pushed);
        const reference = pushed.stdout.trim();
        if (who !== undefined) {
          // cosign only writes the password down.
          if (name === "notation") expectRefusal(await signer.login(host, stranger(name)));
          expectRefusal(await signer.sign(reference, undefined));
        }
        expect((await signer.verify(reference, who)).code).not.toBe(0);
        expectSuccess(await signer.sign(reference, who));
        expectSuccess(await signer.verify(reference, who));
        if (who !== undefined) expectRefusal(await signer.verify(reference, undefined));
      },
      SLOW,
    );
  });
});
