import { describe, expect, it } from "vitest";
import { isUpstreamError } from "../../src/configuration.js";
import { MANIFEST_DIGEST, NAME, openUpstream, sendManifest, serveStandIn, TAG, type StandIn } from "./site.js";

const BASIC = `Basic ${Buffer.from("ada:secret").toString("base64")}`;
const LOGIN = { username: "ada", password: "secret" };

/** A registry whose token service is a part of it; a stand-in, so that every request can be looked at. */
async function serveTokens(settings: { expiresIn?: number; field?: string; post?: boolean } = {}): Promise<StandIn> {
  let issued = 0;
  const site: StandIn = await serveStandIn(({ path, method, headers }, response) => {
    if (path.startsWith("/token")) {
      if ((method === "POST") !== (settings.post ?? false)) return void response.writeHead(404).end();
      issued += 1;
      const answer = { [settings.field ?? "token"]: `t${issued}`, expires_in: settings.expiresIn };
      return void response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
    }
    if (headers["authorization"]?.startsWith("Bearer t") === true) return void sendManifest(response);
    const challenge = `Bearer realm="${site.url}/token",service="stand-in",scope="repository:${NAME}:pull"`;
    response.writeHead(401, { "www-authenticate": challenge }).end();
  });
  return site;
}

describe("Basic", () => {
  it("is sent after the challenge, and from then on at once", async () => {
    await using site = await serveStandIn(({ headers }, response) => {
      if (headers["authorization"] === BASIC) return void sendManifest(response);
      response.writeHead(401, { "www-authenticate": 'Basic realm="stand-in"' }).end();
    });
    await using upstream = openUpstream(site.url, LOGIN);
    expect((await upstream.fetchManifest(NAME, TAG)).digest).toBe(MANIFEST_DIGEST);
    await upstream.fetchManifest(NAME, TAG);
    expect(site.asked.map((each) => each.headers["authorization"])).toEqual([undefined, BASIC, BASIC]);
  });

  it("is refused once, and not sent twice", async () => {
    await using site = await serveStandIn((_, response) => {
      response.writeHead(401, { "www-authenticate": 'Basic realm="stand-in"' }).end();
    });
    await using upstream = openUpstream(site.url, LOGIN);
    const error: unknown = await upstream.fetchManifest(NAME, TAG).catch((thrown: unknown) => thrown);
    expect(isUpstreamError(error, "DENIED")).toBe(true);
    expect(site.asked).toHaveLength(2);
    expect(String(error)).not.toContain("secret");
  });
});

describe("Bearer", () => {
  it("takes one token for a scope, with the credentials, and uses it again", async () => {
    await using site = await serveTokens({ expiresIn: 300 });
    await using upstream = openUpstream(site.url, LOGIN);
    await upstream.fetchManifest(NAME, TAG);
    await Promise.all([upstream.fetchManifest(NAME, TAG), upstream.resolveManifest(NAME, TAG)]);
    const [question, ...others] = site.asked.filter((each) => each.path.startsWith("/token"));
    expect(others).toEqual([]);
    const url = new URL(question?.path ?? "", site.url);
    expect(question?.headers["authorization"]).toBe(BASIC);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      service: "stand-in",
      scope: `repository:${NAME}:pull`,
      account: "ada",
    });
  });

  it.each([
    ["access_token", { field: "access_token" }],
    ["a token service that only knows POST", { post: true }],
  ])("understands %s", async (_, settings) => {
    await using site = await serveTokens(settings);
    await using upstream = openUpstream(site.url, LOGIN);
    expect((await upstream.fetchManifest(NAME, TAG)).digest).toBe(MANIFEST_DIGEST);
  });

  it("renews a token before it expires, after 60 s where the service doesn't tell", async () => {
    let now = Date.now();
    await using site = await serveTokens();
    await using upstream = openUpstream(site.url, LOGIN, { now: () => now });
    const tokens = (): number => site.asked.filter((each) => each.path.startsWith("/token")).length;
    await upstream.fetchManifest(NAME, TAG);
    now += 50_000;
    await upstream.fetchManifest(NAME, TAG);
    expect(tokens()).toBe(1);
    now += 9000;
    await upstream.fetchManifest(NAME, TAG);
    expect(tokens()).toBe(2);
  });

  it("asks once for many requests at the same time", async () => {
    await using site = await serveTokens();
    await using upstream = openUpstream(site.url, LOGIN);
    await Promise.all(Array.from({ length: 20 }, () => upstream.fetchManifest(NAME, TAG)));
    expect(site.asked.filter((each) => each.path.startsWith("/token"))).toHaveLength(1);
  });

  it("replaces a token that the upstream no longer takes", async () => {
    let revoked = false;
    await using site: StandIn = await serveStandIn(({ path, headers }, response) => {
      if (path.startsWith("/token")) {
        return void response.end(JSON.stringify({ token: revoked ? "second" : "first", expires_in: 3600 }));
      }
      if (headers["authorization"] === (revoked ? "Bearer second" : "Bearer first")) return void sendManifest(response);
      response.writeHead(401, { "www-authenticate": `Bearer realm="${site.url}/token"` }).end();
    });
    await using upstream = openUpstream(site.url);
    await upstream.fetchManifest(NAME, TAG);
    revoked = true;
    expect((await upstream.fetchManifest(NAME, TAG)).digest).toBe(MANIFEST_DIGEST);
  });
});

describe("a realm outside of the upstream's domain", () => {
  /** `localhost` and `127.0.0.1` are two names here: addresses and names have to be the same. */
  async function serveBoth(): Promise<{ site: StandIn; thief: StandIn } & AsyncDisposable> {
    const thief = await serveStandIn((_, response) => void response.end(JSON.stringify({ token: "t1" })));
    const site = await serveStandIn(({ headers }, response) => {
      if (headers["authorization"] === "Bearer t1") return void sendManifest(response);
      const realm = thief.url.replace("127.0.0.1", "localhost");
      response.writeHead(401, { "www-authenticate": `Bearer realm="${realm}/token",service="x"` }).end();
    });
    return {
      site,
      thief,
      async [Symbol.asyncDispose]() {
        await site.close();
        await thief.close();
      },
    };
  }

  it("never gets the password, nor a request", async () => {
    await using both = await serveBoth();
    await using upstream = openUpstream(both.site.url, LOGIN);
    await expect(upstream.fetchManifest(NAME, TAG)).rejects.toThrow(/list that host in realms/);
    expect(both.thief.asked).toEqual([]);
  });

  it("gets it where the configuration lists it", async () => {
    await using both = await serveBoth();
    await using upstream = openUpstream(both.site.url, { ...LOGIN, realms: ["localhost"] });
    await upstream.fetchManifest(NAME, TAG);
    expect(both.thief.asked[0]?.headers["authorization"]).toBe(BASIC);
  });

  it("is asked for an anonymous token where there is no password", async () => {
    await using both = await serveBoth();
    await using upstream = openUpstream(both.site.url);
    await upstream.fetchManifest(NAME, TAG);
    expect(both.thief.asked[0]?.headers["authorization"]).toBeUndefined();
  });
});
