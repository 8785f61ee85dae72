import { describePeers } from "@longshore/testkit/peers";
import { startRegistry, type RunningRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder, type TemporaryFolder } from "@longshore/testkit/temporary-folder";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { HASHES } from "../hashes.js";
import { makeCertificates } from "./certificates.js";
import { dnOf, group, groupDn, GROUPS, PEOPLE, person, READER, startSlapd, type Slapd } from "./slapd.js";

const ANSWER = z.object({ token: z.string(), refresh_token: z.string().optional() });
const CLAIMS = z.looseObject({
  sub: z.string(),
  access: z.array(z.object({ name: z.string(), actions: z.array(z.string()) })),
});

// Accounts are called as in Active Directory, and typed in any case; groups are found by a walk, as OpenLDAP has no rule in chain.
describePeers("a registry whose teams are nested groups of OpenLDAP, over StartTLS", ["slapd"], () => {
  let folder: TemporaryFolder;
  let slapd: Slapd;
  let registry: RunningRegistry;

  beforeAll(async () => {
    folder = await makeTemporaryFolder("ldap-registry");
    const certificates = await makeCertificates(folder.path, "DNS:localhost");
    slapd = await startSlapd({ certificates });
    await slapd.add(
      [
        person("alice", "sAMAccountName: AliceA"),
        person("bob", "sAMAccountName: bob"),
        group("platform", [dnOf("alice")]),
        group("engineering", [groupDn("platform"), dnOf("bob")]),
      ].join("\n"),
    );
    registry = await startRegistry({
      config: {
        tokenserver: {
          sources: ["local", "ldap"],
          failuredelay: "0s",
          throttle: { disabled: true },
          local: { users: { root: { password: HASHES.secret } } },
          ldap: {
            urls: [`ldap://localhost:${slapd.port}`],
            starttls: true,
            ca: certificates.ca,
            base: PEOPLE,
            filter: "(sAMAccountName=${account})",
            accountcase: "lower",
            ...READER,
            groups: { from: "search", base: GROUPS, nested: "walk" },
            cachettl: "0s",
            timeout: "5s",
          },
          roles: {
            grants: [
              { role: "writer", repositories: ["platform/*"], groups: ["platform"] },
              { role: "reader", repositories: ["*/*"], groups: ["engineering"] },
              { role: "admin", accounts: ["root"] },
            ],
          },
        },
      },
    });
  });

  afterAll(async () => {
    await registry[Symbol.asyncDispose]();
    await slapd[Symbol.asyncDispose]();
    await folder.remove();
  });

  const ask = (account: string, password: string, more = "") =>
    registry.client.ask({
      path: `/auth/token?scope=repository:platform/app:pull,push&scope=repository:web/app:pull,push${more}`,
      headers: { authorization: `Basic ${Buffer.from(`${account}:${password}`).toString("base64")}` },
    });
  async function rightsOf(account: string, password: string) {
    const answer = await ask(account, password);
    expect(answer.status, answer.text()).toBe(200);
    const { token } = ANSWER.parse(answer.json());
    const { sub, access } = CLAIMS.parse(JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()));
    return [sub, ...access.map(({ name, actions }) => `${name}:${actions.join(",")}`)];
  }
  const renew = (refresh: string) =>
    registry.client.ask({
      method: "POST",
      path: "/auth/token",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: refresh }).toString(),
    });

  it("grants what the groups that a person is in have, however deep, under one name", async () => {
    for (const typed of ["alicea", "AliceA", "ALICEA"]) {
      expect(await rightsOf(typed, "alice's secret")).toEqual(["alicea", "platform/app:pull,push", "web/app:pull"]);
    }
    expect(await rightsOf("bob", "bob's secret")).toEqual(["bob", "platform/app:pull", "web/app:pull"]);
    expect(await rightsOf("root", "secret")).toEqual(["root", "platform/app:pull,push", "web/app:pull,push"]);
  });

  it("refuses wrong and empty passwords, unknown accounts, and names that would be a filter", async () => {
    const refused = [
      ["bob", "wrong"],
      ["bob", ""],
      ["bob", "alice's secret"],
      ["alice", "alice's secret"],
      ["mallory", "bob's secret"],
      ["*", "bob's secret"],
      ["b*", "bob's secret"],
      ["bob)(uid=*", "bob's secret"],
      ["bob)(|(uid=*", "bob's secret"],
      ["\\62ob", "bob's secret"],
    ] as const;
    for (const [account, password] of refused) expect((await ask(account, password)).status, account).toBe(401);
    for (const secret of ["alice's secret", "bob's secret", READER.bindpassword]) {
      expect(registry.logs()).not.toContain(secret);
    }
  });

  it("follows changes of groups when a login is renewed, and ends it with the account", async () => {
    await slapd.add(person("carol", "sAMAccountName: carol"));
    const { refresh_token: refresh = "" } = ANSWER.parse(
      (await ask("carol", "carol's secret", "&offline_token=true")).json(),
    );
    expect((await renew(refresh)).status).toBe(200);
    await slapd.modify(`dn: ${dnOf("carol")}\nchangetype: delete\n`);
    expect((await renew(refresh)).status).toBe(401);
    expect((await ask("carol", "carol's secret")).status).toBe(401);
  });

  it("says that it can't tell while the directory is down, lets local users in, and goes on when it is back", async () => {
    const { refresh_token: refresh = "" } = ANSWER.parse(
      (await ask("bob", "bob's secret", "&offline_token=true")).json(),
    );
    await slapd.stop();
    const away = await ask("bob", "bob's secret");
    expect([away.status, away.code()]).toEqual([503, "UNAVAILABLE"]);
    expect((await renew(refresh)).status).toBe(503);
    expect((await ask("root", "secret")).status).toBe(200);
    await slapd.restart();
    await expect.poll(async () => (await ask("bob", "bob's secret")).status, { timeout: 30_000 }).toBe(200);
    expect((await renew(refresh)).status).toBe(200);
  });
});
