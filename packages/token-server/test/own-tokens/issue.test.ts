import { describe, expect, it } from "vitest";
import { faultOf, NOW, refusalOf, request } from "./harness.js";
import { basic, claimsOf, get, post, site, textOf } from "./site.js";

const ALICE = basic("alice", "wonderland");
const peerCertificate = {
  verified: true,
  subject: { CN: "alice" },
  issuer: {},
  fingerprint256: "",
  raw: new Uint8Array(),
};

describe("GET", () => {
  it("answers what the token specification says, and nothing more", async () => {
    const { server } = site();
    const query = {
      service: "registry.test",
      scope: "repository:alice/app:push,pull",
      account: "alice",
      client_id: "docker",
    };
    const { account, granted, document } = await server.issue(get(query, ALICE));
    expect(account).toBe("alice");
    expect(granted).toEqual([
      { type: "repository", name: "alice/app", action: "pull" },
      { type: "repository", name: "alice/app", action: "push" },
    ]);
    expect(document).toEqual({
      token: textOf(document, "token"),
      access_token: textOf(document, "token"),
      expires_in: 240,
      issued_at: new Date(NOW).toISOString(),
    });
    const seconds = NOW / 1000;
    expect(claimsOf(document)).toEqual({
      iss: "registry.test",
      aud: "registry.test",
      sub: "alice",
      iat: seconds,
      nbf: seconds - 10,
      exp: seconds + 240,
      jti: textOf(claimsOf(document), "jti"),
      access: [{ type: "repository", name: "alice/app", actions: ["pull", "push"] }],
    });
  });

  it.each<[string, string | undefined, string | readonly string[], unknown]>([
    ["anonymous pulls what is public", undefined, "repository:public/a:pull", [["public/a", ["pull"]]]],
    ["anonymous gets the part that it may have", undefined, "repository:public/a:pull,push", [["public/a", ["pull"]]]],
    ["anonymous gets nothing of the rest", undefined, "repository:alice/a:pull", []],
    ["an account gets no other's", ALICE, "repository:bob/a:pull,push", []],
    [
      "labels grant what rules allow",
      basic("bob", "builder"),
      "repository:blue/a:pull,push,delete",
      [["blue/a", ["pull", "push"]]],
    ],
    [
      "several scopes come in several parameters and in one",
      ALICE,
      ["repository:public/a:pull repository:alice/b:push", "repository:public/c:pull", ""],
      [
        ["public/a", ["pull"]],
        ["alice/b", ["push"]],
        ["public/c", ["pull"]],
      ],
    ],
    [
      "a resource named twice counts once",
      ALICE,
      ["repository:alice/a:pull", "repository:alice/a:push"],
      [["alice/a", ["pull", "push"]]],
    ],
    [
      "names may contain a host's port",
      basic("admin", "root"),
      "repository:host:5000/a/b:pull",
      [["host:5000/a/b", ["pull"]]],
    ],
    ["the catalog is an action of the registry", basic("admin", "root"), "registry:catalog:*", [["catalog", ["*"]]]],
    ["all actions are not what some are", undefined, "repository:public/a:*", []],
    ["no scope is a login", ALICE, [], []],
  ])("%s", async (_name, authorization, scope, expected) => {
    const { server } = site();
    const { document } = await server.issue(get({ service: "registry.test", scope }, authorization));
    const { access } = claimsOf(document);
    const list = Array.isArray(access) ? access : [];
    expect(list.map(({ name, actions }: { name: string; actions: string[] }) => [name, actions])).toEqual(expected);
  });

  it("keeps a class with the type", async () => {
    const { server } = site();
    const { document } = await server.issue(get({ scope: "repository(plugin):alice/a:pull" }, ALICE));
    expect(claimsOf(document)["access"]).toEqual([
      { type: "repository", class: "plugin", name: "alice/a", actions: ["pull"] },
    ]);
  });

  it("issues an anonymous token without a subject or refresh token", async () => {
    const { server } = site();
    const { account, document } = await server.issue(get({ offline_token: "true" }));
    expect(account).toBe("");
    expect(claimsOf(document)).not.toHaveProperty("sub");
    expect(document).not.toHaveProperty("refresh_token");
  });

  it("accepts client certificates, which get no refresh token of an account with the same name", async () => {
    const { server } = site();
    const { account, document } = await server.issue(get({ offline_token: "true" }, undefined, { peerCertificate }));
    expect(account).toBe("alice");
    expect(document).not.toHaveProperty("refresh_token");
  });

  it.each([basic("alice", "wrong"), basic("nobody", "x"), "Basic !!!", basic("", "x")])(
    "refuses wrong credentials with a Basic challenge: %s",
    async (authorization) => {
      const { server } = site();
      const query = { scope: "repository:public/a:pull" };
      const refused = await refusalOf(() => server.issue(get(query, authorization)));
      expect(refused).toMatchObject({ challenge: 'Basic realm="Registry"', refusal: "rejected" });
    },
  );

  it.each<[string, Record<string, string | string[]>, string | undefined]>([
    ["another account than the one that logged in", { account: "bob" }, ALICE],
    ["another service", { service: "other.test" }, ALICE],
    ["a scope without actions", { scope: "repository:a" }, ALICE],
    ["a scope without a name", { scope: "repository::pull" }, ALICE],
    ["a scope of an odd type", { scope: "Repo!:a:pull" }, ALICE],
    ["a scope that is too long", { scope: `repository:${"a".repeat(1100)}:pull` }, ALICE],
    [
      "too many actions",
      { scope: `repository:a:${Array.from({ length: 33 }, (_, index) => `a${index}`).join(",")}` },
      ALICE,
    ],
    ["too many resources", { scope: Array.from({ length: 101 }, (_, index) => `repository:a${index}:pull`) }, ALICE],
    ["a password in the address", { username: "alice", password: "wonderland" }, undefined],
    ["a refresh token in the address", { grant_type: "refresh_token", refresh_token: "x" }, undefined],
  ])("refuses %s as a bad request", async (_name, query, authorization) => {
    const { server } = site();
    expect((await faultOf(() => server.issue(get(query, authorization)))).code).toBe("INVALID_REQUEST");
  });

  it("refuses what is too much for a token's line in a header, and says how much fits; what isn't granted takes no room", async () => {
    const { server } = site();
    const scopes = (owner: string, count: number) =>
      Array.from({ length: count }, (_, index) => `repository:${owner}/${"x".repeat(900)}${index}:pull,push`);
    const fault = await faultOf(() => server.issue(get({ scope: scopes("alice", 100) }, ALICE)));
    expect(fault.code).toBe("INVALID_REQUEST");
    expect(fault).toMatchObject({
      reason: expect.stringMatching(/takes \d+ bytes in a token, and 24000 fit/) as string,
    });
    const fitting = await server.issue(get({ scope: [...scopes("alice", 20), ...scopes("bob", 80)] }, ALICE));
    expect(textOf(fitting.document, "token").length).toBeLessThan(32_768);
  });

  it("refuses an account name without its password", async () => {
    const { server } = site();
    expect(await refusalOf(() => server.issue(get({ account: "alice" })))).toMatchObject({ account: "alice" });
  });

  it("tells a throttled client to wait", async () => {
    const { server, throttled } = site();
    throttled.add("alice");
    expect(await faultOf(() => server.issue(get({}, ALICE)))).toMatchObject({ code: "THROTTLED", retryAfter: 7 });
  });
});

describe("POST", () => {
  const password = { grant_type: "password", username: "alice", password: "wonderland", service: "registry.test" };

  it("accepts a password in the form and reports what it granted", async () => {
    const { server } = site();
    const scope = "repository:alice/a:pull,push repository:bob/a:pull";
    const { document } = await server.issue(post({ ...password, scope, client_id: "docker" }));
    expect(document).toMatchObject({ scope: "repository:alice/a:pull,push", expires_in: 240 });
    expect(document["access_token"]).toBe(document["token"]);
    expect(document).not.toHaveProperty("refresh_token");
  });

  it("accepts Basic credentials, or none, as GET does", async () => {
    const { server } = site();
    const form = { scope: "repository:public/a:pull" };
    expect((await server.issue(post(form, ALICE))).account).toBe("alice");
    expect((await server.issue(post(form))).document["scope"]).toBe("repository:public/a:pull");
  });

  it("refuses a refresh token in the query, whatever the form holds, and ignores a query in place of the form", async () => {
    const { server } = site();
    const question = post({ ...password, access_type: "offline" });
    const refresh = textOf((await server.issue(question)).document, "refresh_token");
    const query = get({ grant_type: "refresh_token", refresh_token: refresh });
    for (const each of [query, { ...query, form: new URLSearchParams(password) }])
      expect((await faultOf(() => server.issue(each))).code).toBe("INVALID_REQUEST");
    const scoped = { ...post({ ...password }), query: new URLSearchParams("scope=repository:alice/a:pull") };
    expect((await server.issue(scoped)).granted).toEqual([]);
  });

  it.each<[Record<string, string>, string]>([
    [{ grant_type: "client_credentials" }, "INVALID_REQUEST"],
    [{ grant_type: "refresh_token" }, "INVALID_REQUEST"],
    [{ ...password, username: "" }, "INVALID_REQUEST"],
    [{ ...password, username: "al\nice" }, "INVALID_REQUEST"],
    [{ ...password, password: "a\0b" }, "INVALID_REQUEST"],
    [{ ...password, account: "bob" }, "INVALID_REQUEST"],
    [{ ...password, password: "wrong" }, "UNAUTHENTICATED"],
    [{ ...password, password: "" }, "UNAUTHENTICATED"],
    [{ grant_type: "refresh_token", refresh_token: "x" }, "UNAUTHENTICATED"],
  ])("refuses %j: %s", async (form, code) => {
    const { server } = site();
    expect((await faultOf(() => server.issue(post(form)))).code).toBe(code);
  });

  it("accepts no passwords if there are none", async () => {
    const { server } = site({ passwords: undefined });
    expect((await faultOf(() => server.issue(post(password)))).code).toBe("UNAUTHENTICATED");
  });
});

describe("refresh tokens", () => {
  const login = post({ grant_type: "password", username: "alice", password: "wonderland", access_type: "offline" });
  const refreshing = (refresh_token: string, scope = "repository:alice/a:pull") =>
    post({ grant_type: "refresh_token", refresh_token, service: "registry.test", scope });

  it("are issued by GET and POST on request, and can be used repeatedly and concurrently", async () => {
    const { server } = site();
    const fromGet = textOf((await server.issue(get({ offline_token: "true" }, ALICE))).document, "refresh_token");
    const fromPost = textOf((await server.issue(login)).document, "refresh_token");
    for (const refresh of [fromGet, fromPost]) {
      const answers = await Promise.all(Array.from({ length: 5 }, () => server.issue(refreshing(refresh))));
      for (const { account, document } of answers) {
        expect(account).toBe("alice");
        expect(document).toMatchObject({ scope: "repository:alice/a:pull", refresh_token: refresh });
      }
    }
  });

  it("aren't access tokens, and access tokens aren't refresh tokens", async () => {
    const { server } = site();
    const { document } = await server.issue(login);
    const bearer = request(`Bearer ${textOf(document, "refresh_token")}`);
    expect((await refusalOf(() => server.admit(bearer, []))).refusal).toBe("rejected");
    expect((await refusalOf(() => server.issue(refreshing(textOf(document, "access_token"))))).refusal).toBe(
      "rejected",
    );
  });

  it("end with the password, the account, the secret, and after 90 days", async () => {
    const { server, accounts, clock } = site();
    const refresh = textOf((await server.issue(login)).document, "refresh_token");
    accounts.set("alice", "changed");
    expect(await refusalOf(() => server.issue(refreshing(refresh)))).toMatchObject({ account: "alice" });
    accounts.delete("alice");
    await refusalOf(() => server.issue(refreshing(refresh)));
    accounts.set("alice", "wonderland");
    await server.issue(refreshing(refresh));
    await refusalOf(() => site({ secret: "another secret" }).server.issue(refreshing(refresh)));
    clock.time += 90 * 24 * 3_600_000 + 60_000;
    await server.issue(refreshing(refresh));
    clock.time += 1;
    await refusalOf(() => server.issue(refreshing(refresh)));
  });

  it("are bound to their account, and use the current rules", async () => {
    const here = site();
    const { server } = here;
    const refresh = textOf((await server.issue(login)).document, "refresh_token");
    expect((await server.issue(refreshing(refresh, "repository:bob/a:pull"))).granted).toEqual([]);
    here.setRules([{ match: { name: "public/*" }, actions: ["pull"] }]);
    expect((await server.issue(refreshing(refresh))).granted).toEqual([]);
  });

  it("reveal nothing about the password", async () => {
    const { server } = site();
    const { document } = await server.issue(login);
    expect(JSON.stringify(claimsOf(document, "refresh_token"))).not.toContain("wonderland");
    expect(claimsOf(document, "refresh_token")).toMatchObject({ aud: "registry.test refresh", sub: "alice" });
  });
});
