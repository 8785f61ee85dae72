import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { digestOf } from "@longshore/testkit/fixtures";
import { freePort, listen, type Listening } from "@longshore/testkit/loopback";
import { describePeers } from "@longshore/testkit/peers";
import { startDaemon } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import bcrypt from "bcryptjs";
import { beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { SLOW, useResources } from "../clients/site.js";
import { serveRegistry } from "../server/process.js";
import { prepareClients, type Login } from "./matrix-clients.js";
import { basic, tokenIn } from "./support.js";
import { startAuthority, type TokenAuthority } from "./token-authority.js";

const WENDY: Login = { account: "wendy", password: "secret" };

const LIFETIME = 60_000;

/** How far the clocks of an authority and of those who trust it may differ, in Distribution and here. */
const LEEWAY = 60_000;

function authorityWith(clock: () => number): Promise<TokenAuthority> {
  const users = { [WENDY.account]: { password: bcrypt.hashSync(WENDY.password, 4) } };
  return startAuthority({
    clock,
    access: [{ match: { account: WENDY.account }, actions: ["*"] }],
    tokenserver: {
      service: "registry.example",
      services: ["slow registry"],
      lifetime: "60s",
      keys: { x5c: true },
      local: { users },
    },
  });
}

describe("an upload that outlives its token", () => {
  const time = { now: Date.now() };
  const own = useResources();
  let authority: TokenAuthority;

  beforeAll(async () => {
    authority = own(await authorityWith(() => time.now));
  });

  async function newToken(): Promise<string> {
    const path = "/auth/token?service=registry.example&scope=repository:team/app:pull,push";
    const headers = { authorization: basic(WENDY.account, WENDY.password) };
    return tokenIn((await authority.api.client.ask({ path, headers })).text());
  }
  const ask = (token: string, method: string, path: string, body?: string) =>
    authority.api.client.ask({ method, path, headers: { authorization: `Bearer ${token}` }, body });
  const expire = (): void => void (time.now += LIFETIME + LEEWAY + 1000);
  async function begin(token: string): Promise<string> {
    const begun = await ask(token, "POST", "/v2/team/app/blobs/uploads/");
    expect(begun.status, begun.text()).toBe(202);
    return begun.headers.location ?? "";
  }

  it("continues with a new token between two chunks, after a 401 that says where to get it", async () => {
    let token = await newToken();
    let location = await begin(token);
    const chunks = ["the first part, ", "the second part, ", "and the rest"];
    for (const chunk of chunks) {
      const sent = await ask(token, "PATCH", location, chunk);
      expect(sent.status, sent.text()).toBe(202);
      location = sent.headers.location ?? "";
      expire();
      const refused = await ask(token, "PATCH", location, "too late");
      expect(refused.status).toBe(401);
      const challenge = refused.headers["www-authenticate"] ?? "";
      expect(challenge).toContain(`Bearer realm="${authority.url}/auth/token",service="registry.example"`);
      expect(challenge).toContain('scope="repository:team/app:pull,push"');
      expect(challenge).toContain('error="invalid_token"');
      token = await newToken();
    }
    const digest = digestOf(chunks.join(""));
    const done = await ask(token, "PUT", `${location}&digest=${digest}`);
    expect(done.status, done.text()).toBe(201);
    expect((await ask(token, "GET", `/v2/team/app/blobs/${digest}`)).text()).toBe(chunks.join(""));
  });

  it.each(["PATCH", "PUT"])("finishes a %s that began in time", async (method) => {
    const token = await newToken();
    const location = await begin(token);
    const content = `sent with ${method}, in two parts`;
    const digest = digestOf(content);
    const path = method === "PUT" ? `${location}&digest=${digest}` : location;
    const { hostname, port, pathname, search } = new URL(path, authority.url);
    const request = httpRequest({
      ...{ hostname, port, method, path: pathname + search },
      headers: { authorization: `Bearer ${token}`, "content-length": content.length, expect: "100-continue" },
    });
    request.flushHeaders();
    // It has been allowed once the registry asks for the body.
    await once(request, "continue");
    request.write(content.slice(0, 10));
    expire();
    request.end(content.slice(10));
    const [response] = (await once(request, "response")) as [IncomingMessage];
    response.resume();
    expect(response.statusCode).toBe(method === "PUT" ? 201 : 202);
    expect((await ask(token, "GET", "/v2/team/app/tags/list")).status).toBe(401);
  });
});

/** How much longer a token that has just been issued is good at registries with the right time, by their leeway. */
const GOOD_FOR = 5000;

const RATE = 200_000;

/** Bytes of a layer: its upload takes longer than a token is good. */
const BULK = (RATE * (GOOD_FOR + 1500)) / 1000;

describePeers(
  "pushes over a slow line, which take longer than a token is good",
  ["docker", "skopeo", "crane", "containerd", "docker-registry"],
  () => {
    const own = useResources();
    let folder: string;
    let authority: TokenAuthority;
    const hosts: string[] = [];

    beforeAll(async () => {
      folder = own(await makeTemporaryFolder("slow")).path;
      authority = own(await authorityWith(() => Date.now() - LIFETIME - LEEWAY + GOOD_FOR));
      await writeFile(join(folder, "bundle.pem"), authority.certificates);
      const token = {
        realm: `${authority.url}/auth/token`,
        service: "slow registry",
        issuer: "registry.example",
        rootcertbundle: join(folder, "bundle.pem"),
      };
      const ours = own(await serveRegistry({ rest: { auth: { token } } }));
      const port = await freePort();
      const theirs = {
        version: 0.1,
        storage: { filesystem: { rootdirectory: join(folder, "theirs") } },
        http: { addr: `127.0.0.1:${port}` },
        auth: { token },
      };
      await writeFile(join(folder, "theirs.yml"), stringify(theirs));
      const daemon = await startDaemon("docker-registry", ["serve", join(folder, "theirs.yml")], {
        ready: async () => (await fetch(`http://127.0.0.1:${port}/v2/`)).status === 401,
      });
      own({ [Symbol.asyncDispose]: async () => void (await daemon.stop()) });
      for (const each of [ours.port, port]) hosts.push(own(await slowLineTo(each)).host);
    }, SLOW);

    it(
      "go on with new tokens, at Distribution 2.8 and here",
      async () => {
        const prepared = await prepareClients(folder, own, { bulk: BULK });
        const pushes = (["docker", "skopeo", "crane", "ctr"] as const).map(async (name) => {
          const client = await prepared[name]();
          for (const host of hosts) {
            const pushed = await client.push(`${host}/team/${name}:1`, WENDY);
            expect(pushed.code, pushed.stdout + pushed.stderr).toBe(0);
            const pulled = await client.pull(`${host}/team/${name}:1`, WENDY);
            expect(pulled.code, pulled.stdout + pulled.stderr).toBe(0);
          }
        });
        await Promise.all(pushes);
        const [first = ""] = authority.issued;
        for (const host of hosts) {
          const late = await fetch(`http://${host}/v2/`, { headers: { authorization: `Bearer ${first}` } });
          expect(late.status).toBe(401);
        }
      },
      SLOW,
    );
  },
);

/** A way to a port on which clients send no faster than `RATE` bytes a second on each connection. */
function slowLineTo(port: number): Promise<Listening> {
  const server = createServer((socket) => {
    const onwards = connect(port, "127.0.0.1");
    const slowly = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        void delay((chunk.length * 1000) / RATE).then(() => done(null, chunk));
      },
    });
    // Whichever side ends first ends the other.
    pipeline(socket, slowly, onwards).catch(() => undefined);
    pipeline(onwards, socket).catch(() => undefined);
  });
  return listen(server);
}
