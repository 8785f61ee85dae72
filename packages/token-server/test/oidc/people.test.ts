import { testFolder } from "@longshore/testkit/test-folder";
import { writeFile } from "node:fs/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import type { AuthPage } from "@longshore/auth";
import type { ChosenSource } from "../../src/contract.js";
import { login as loginKind } from "../../src/oidc/people/login-kind.js";
import { loginContext, memoryRecords, sourcePorts } from "../support.js";
import { servePages } from "../pages-server.js";
import { openBrowser, type Visit } from "./browser.js";
import { CLIENT, startPeopleProvider, type Person } from "@longshore/testkit/people-provider";
import { ANN, lazily, openSite, reason, tokenIn, use, type Site } from "./people-site.js";

/** The address that the provider sends the browser back to, not yet visited. */
async function begin(site: Site, browser = openBrowser(), path = "openid"): Promise<string> {
  const stop = (url: string): boolean => url.startsWith(`${site.url}/auth/login/${path}/callback`);
  return (await browser.open(`${site.url}/auth/login/${path}`, { stop })).url;
}

describe("a login in a browser", () => {
  test("ends with a token for docker login, and the account has the provider's labels", async () => {
    const site = await openSite({ claims: { groups: "developers" }, labels: { group: "${groups}" } });
    const visit = await openBrowser().open(`${site.url}/auth/login/openid`);
    expect(visit.status).toBe(200);
    expect(visit.text).toContain("ann@example.com");
    expect(await use(site, tokenIn(visit))).toMatchObject({
      outcome: "identified",
      identity: { account: "ann@example.com", labels: new Map([["group", ["developers"]]]) },
      renewable: false,
    });
    expect(await site.people.verify({ account: "ann@example.com", password: "x" }, loginContext())).toEqual({
      outcome: "unknown",
    });
  });

  test("is good beyond the session of the browser, also at a provider that issues no refresh tokens", async () => {
    const site = await openSite(
      { revalidate: "1h", grace: "1h", tokenlifetime: "720h" },
      { over: { issueRefreshToken: () => Promise.resolve(false) } },
    );
    const token = tokenIn(await openBrowser().open(`${site.url}/auth/login/openid`));
    for (let day = 0; day < 29; day += 1) {
      site.now += 24 * 3_600_000;
      expect((await use(site, token)).outcome).toBe("identified");
    }
    site.now += 2 * 24 * 3_600_000;
    expect(reason(await use(site, token))).toContain("has expired");
  });

  test("begins and ends where docker_auth has it, and shows the registry's own name", async () => {
    const site = await openSite({}, { login: { dockerauthpaths: true, registry: "registry.example:5000" } });
    const stop = (url: string): boolean => url.startsWith(`${site.url}/`);
    const browser = openBrowser();
    const back = await browser.open(`${site.url}/oidc_auth`, { stop });
    expect(back.url).toMatch(/\/oidc_auth\?code=/);
    const visit = await browser.open(back.url);
    expect(visit.text).toContain("docker login -u ann@example.com registry.example:5000");
    expect((await use(site, tokenIn(visit))).outcome).toBe("identified");
    const failed = await openBrowser().open(`${site.url}/oidc_auth?state=x&code=y`);
    expect(failed.text).toContain('href="/auth/login/openid"');
    expect((await openBrowser().open(`${site.url}/auth/login`)).text).toContain("/auth/login/openid");
  });

  test("gives nobody an account that is another source's, nor a token of one that became so", async () => {
    const records = memoryRecords();
    const refused = await openSite({}, { records, login: { reserved: ["ann@example.com"] } });
    const visit = await openBrowser().open(`${refused.url}/auth/login/openid`);
    expect(visit.status).toBe(403);
    expect(visit.text).toContain("one of this registry");
    expect(tokenIn(visit)).toBe("");
    const before = await openSite({}, { records });
    const token = tokenIn(await openBrowser().open(`${before.url}/auth/login/openid`));
    expect((await use(before, token)).outcome).toBe("identified");
    const after = await openSite({}, { records, login: { reserved: ["ann@example.com"] } });
    expect(reason(await use(after, token))).toContain("is gone");
  });

  test("takes the client's secret from a file", async () => {
    const folder = await testFolder();
    await writeFile(`${folder}/secret`, `${CLIENT.secret}\n`);
    const site = await openSite({ clientsecret: undefined, clientsecretfile: `${folder}/secret` });
    expect(tokenIn(await openBrowser().open(`${site.url}/auth/login/openid`))).not.toBe("");
    await expect(openSite({ clientsecretfile: `${folder}/none` })).rejects.toThrow("ENOENT");
  });

  test("at GitLab is by the user's name there, with the groups", async () => {
    const site = await openSite({}, { provider: "gitlab" });
    site.provider.people.set(ANN.sub, { ...ANN, nickname: "ann" });
    const visit = await openBrowser().open(`${site.url}/auth/login/gitlab`);
    expect(await use(site, tokenIn(visit))).toMatchObject({
      identity: { account: "ann", labels: new Map([["groups", ["developers"]]]) },
    });
    const remarks = (weburi?: string) =>
      loginKind.section("login").parse({ gitlab: { clientid: "a", ...(weburi === undefined ? {} : { weburi }) } })
        .remarks;
    expect(remarks()).toHaveLength(1);
    expect(remarks("https://gitlab.example")).toHaveLength(0);
  });

  test("uses PKCE, a state and a nonce, and a cookie that no script and no other site can use", async () => {
    const site = await openSite();
    const response = await fetch(`${site.url}/auth/login/openid`, { redirect: "manual" });
    const location = new URL(response.headers.get("location") ?? "");
    expect(response.status).toBe(303);
    expect(location.origin).toBe(site.provider.url);
    expect(location.searchParams.get("code_challenge_method")).toBe("S256");
    for (const name of ["state", "nonce", "code_challenge"])
      expect(location.searchParams.get(name)).toMatch(/^[\w-]{43}$/);
    expect(location.searchParams.get("redirect_uri")).toBe(`${site.url}/auth/login/openid/callback`);
    const cookie = response.headers.get("set-cookie") ?? "";
    expect(cookie).toMatch(/; HttpOnly; SameSite=Lax$/);
    for (const name of ["state", "nonce"]) expect(cookie).not.toContain(location.searchParams.get(name));
  });

  test("has pages on which nothing runs and nothing is embedded", async () => {
    const site = await openSite();
    for (const visit of [
      await openBrowser().open(`${site.url}/auth/login`),
      await openBrowser().open(`${site.url}/auth/login/openid`),
      await openBrowser().open(`${site.url}/auth/login/openid/callback?state=x`),
    ]) {
      expect(visit.headers.get("content-security-policy")).toContain("default-src 'none'");
      expect(visit.headers.get("cache-control")).toBe("no-store");
      expect(visit.headers.get("x-frame-options")).toBe("DENY");
      expect(visit.headers.get("referrer-policy")).toBe("no-referrer");
      expect(visit.text).not.toMatch(/<script|<style|<img|<form|style=|\son\w+=/i);
    }
  });

  test("can't be completed twice", async () => {
    const site = await openSite();
    const browser = openBrowser();
    const answer = await begin(site, browser);
    const cookies = new Map(browser.cookies(site.url));
    expect((await browser.open(answer)).status).toBe(200);
    expect(browser.cookies(site.url).size).toBe(0);
    // Somebody who has copied the cookie as well.
    for (const [name, value] of cookies) browser.cookies(site.url).set(name, value);
    const again = await browser.open(answer);
    expect(again.status).toBe(403);
    expect(tokenIn(again)).toBe("");
  });

  test("belongs to the browser that began it", async () => {
    const site = await openSite();
    const answer = await begin(site);
    const other = openBrowser();
    expect((await other.open(answer)).status).toBe(403);
    // Also if the other browser has begun one of its own.
    await begin(site, other);
    const visit = await other.open(answer);
    expect(visit.status).toBe(403);
    expect(visit.text).toContain("doesn&#39;t belong to the login that this browser has begun");
  });

  test.each<[string, (answer: URL) => void]>([
    ["another state", (answer) => answer.searchParams.set("state", "x".repeat(43))],
    ["no state", (answer) => answer.searchParams.delete("state")],
    ["another issuer", (answer) => answer.searchParams.set("iss", "https://evil.example")],
    ["no issuer, which this provider always names", (answer) => answer.searchParams.delete("iss")],
    ["another code", (answer) => answer.searchParams.set("code", "x".repeat(43))],
    ["an error", (answer) => answer.searchParams.set("error", "server_error")],
  ])("is refused with %s", async (_name, change) => {
    const site = await openSite();
    const browser = openBrowser();
    const answer = new URL(await begin(site, browser));
    change(answer);
    const visit = await browser.open(answer.href);
    expect(visit.status).toBe(403);
    expect(tokenIn(visit)).toBe("");
  });

  test("isn't completed with a cookie that was changed, is too old, or is another registry's", async () => {
    const site = await openSite();
    for (const spoil of [(value: string) => `${value.slice(0, -4)}AAAA`, () => "", () => "a.b.c.d.e"]) {
      const browser = openBrowser();
      const answer = await begin(site, browser);
      const jar = browser.cookies(site.url);
      for (const [name, value] of jar) jar.set(name, spoil(value));
      expect((await browser.open(answer)).status).toBe(403);
    }
    const browser = openBrowser();
    const answer = await begin(site, browser);
    site.now += 601_000;
    expect((await browser.open(answer)).text).toContain("has expired");
  });

  test("goes to the provider and back, and to no other place that an address names", async () => {
    const site = await openSite();
    for (const name of ["redirect_uri", "return_to", "next", "url", "redirect", "continue"]) {
      const response = await fetch(`${site.url}/auth/login/openid?${name}=https://evil.example/`, {
        redirect: "manual",
      });
      const location = new URL(response.headers.get("location") ?? "");
      expect(location.origin).toBe(site.provider.url);
      expect(location.searchParams.get("redirect_uri")).toBe(`${site.url}/auth/login/openid/callback`);
      expect(location.href).not.toContain("evil");
    }
    for (const path of [
      "/auth/login//evil.example",
      "/auth/login/https:%2f%2fevil.example",
      "/auth/login/openid%0d%0aset-cookie:x",
    ]) {
      const response = await fetch(site.url + path, { redirect: "manual" });
      expect(response.headers.get("location")).toBeNull();
    }
  });

  test("can be cancelled", async () => {
    const site = await openSite();
    site.provider.next = undefined;
    const visit = await openBrowser().open(`${site.url}/auth/login/openid`);
    expect(visit.status).toBe(403);
    expect(visit.text).toContain("cancelled");
  });

  test.each<[string, object, Partial<Person>, string]>([
    ["of other groups", { claims: { groups: "admins" } }, {}, "not one that may log in here (groups)"],
    ["with an unverified address", {}, { email_verified: false }, "verified your email address"],
  ])("is refused for people %s", async (_name, options, person, message) => {
    const site = await openSite(options);
    site.provider.people.set(ANN.sub, { ...ANN, ...person });
    const visit = await openBrowser().open(`${site.url}/auth/login/openid`);
    expect(visit.status).toBe(403);
    expect(visit.text.replaceAll("&#39;", "'")).toContain(message);
  });

  test("shows a name that was made to be a script as text", async () => {
    const site = await openSite({ account: "${email}" });
    site.provider.people.set(ANN.sub, { ...ANN, email: "<script>alert(1)</script>$(id)@x" });
    const visit = await openBrowser().open(`${site.url}/auth/login/openid`);
    expect(visit.status).toBe(200);
    expect(visit.text).not.toContain("<script");
    expect(visit.text).toContain("docker login -u token ");
  });

  test("leaves no token, code or secret in the log or readable in the storage", async () => {
    const site = await openSite();
    const browser = openBrowser();
    const answer = await begin(site, browser);
    const token = tokenIn(await browser.open(answer));
    await browser.open(answer);
    const kept = [...site.ports.log.lines];
    const { records } = site.ports;
    for await (const name of records.list("token-server")) {
      kept.push(name, Buffer.from((await records.read(name))?.value ?? []).toString("utf8"));
    }
    const all = kept.join("\n");
    for (const secret of [
      token,
      new URL(answer).searchParams.get("code") ?? "",
      CLIENT.secret,
      "a secret for the tests",
    ]) {
      expect(secret).not.toBe("");
      expect(all).not.toContain(secret);
    }
    expect(all).not.toMatch(/refresh_token|access_token/);
  });

  test("says when the provider is down", async () => {
    const site = await openSite();
    await site.provider[Symbol.asyncDispose]();
    const visit = await openBrowser().open(`${site.url}/auth/login/openid`);
    expect(visit.status).toBe(503);
    expect(visit.text).not.toContain(site.provider.url);
  });
});

describe("an account at a provider", () => {
  async function loggedIn(options: object = {}) {
    const site = await openSite({ labels: { group: "${groups}" }, revalidate: "1h", grace: "24h", ...options });
    const token = tokenIn(await openBrowser().open(`${site.url}/auth/login/openid`));
    expect(await use(site, token)).toMatchObject({ outcome: "identified" });
    return { site, token };
  }

  test("is asked for again in the background, and its labels follow", async () => {
    const { site, token } = await loggedIn();
    site.provider.people.set(ANN.sub, { ...ANN, groups: ["admins"] });
    site.now += 3_700_000;
    expect(await use(site, token)).toMatchObject({ outcome: "identified" });
    await expect
      .poll(
        () => {
          site.now += 2000;
          return use(site, token);
        },
        { timeout: 60_000 },
      )
      .toMatchObject({ identity: { labels: new Map([["group", ["admins"]]]) } });
  });

  test("that is gone ends its tokens", async () => {
    const { site, token } = await loggedIn();
    site.provider.people.delete(ANN.sub);
    site.now += 3_700_000;
    await expect
      .poll(
        async () => {
          site.now += 2000;
          return reason(await use(site, token));
        },
        { timeout: 60_000 },
      )
      .toContain("is gone");
    expect(site.ports.log.lines.join()).toContain("may no longer log in");
  });

  test("holds for a while when its provider is down, and not for ever", async () => {
    const { site, token } = await loggedIn();
    await site.provider[Symbol.asyncDispose]();
    site.now += 3_700_000;
    expect(await use(site, token)).toMatchObject({ outcome: "identified" });
    await expect
      .poll(() => site.ports.log.lines.join(), { timeout: 60_000 })
      .toContain("can't be confirmed at the moment");
    site.now += 86_400_000;
    await expect(use(site, token)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });

  test("that becomes somebody else's ends the tokens of the one before", async () => {
    const { site, token } = await loggedIn();
    const successor = { ...ANN, sub: "ann-2" };
    site.provider.people.set(successor.sub, successor);
    site.provider.next = successor;
    const next = tokenIn(await openBrowser().open(`${site.url}/auth/login/openid`));
    site.now += 1000;
    expect(reason(await use(site, token))).toContain("was revoked");
    expect(await use(site, next)).toMatchObject({ outcome: "identified" });
  });

  test("has tokens that end by themselves", async () => {
    const { site, token } = await loggedIn({ tokenlifetime: "2h" });
    site.now += 7_200_000;
    expect(reason(await use(site, token))).toContain("has expired");
  });
});

describe("the device flow", () => {
  const GRANT = "urn:ietf:params:oauth:grant-type:device_code";

  async function post(site: Site, path: string, form: Record<string, string>) {
    const response = await fetch(site.url + path, { method: "POST", body: new URLSearchParams(form) });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  /** What a person does with the user code: enters it, confirms, and logs in. */
  async function approve(uri: string): Promise<void> {
    const browser = openBrowser();
    const first = await browser.open(uri);
    const form = formOf(first);
    const confirmed = await browser.open(new URL(form.action, first.url).href, { form: form.fields });
    const next = formOf(confirmed);
    if (next.fields.size > 0) await browser.open(new URL(next.action, confirmed.url).href, { form: next.fields });
  }

  function formOf({ text, url }: Visit): { readonly action: string; readonly fields: URLSearchParams } {
    const action = /<form[^>]*action="([^"]*)"/.exec(text)?.[1] ?? url;
    const fields = new URLSearchParams();
    for (const [input] of text.matchAll(/<input[^>]*>/g)) {
      const name = /name="([^"]*)"/.exec(input)?.[1];
      if (name !== undefined) fields.set(name, /value="([^"]*)"/.exec(input)?.[1] ?? "");
    }
    return { action, fields };
  }

  test("ends with a token for docker login", async () => {
    const site = await openSite();
    const started = await post(site, "/auth/device", {});
    expect(started).toMatchObject({ status: 200, body: { interval: 5 } });
    const code = String(started.body["device_code"]);
    const form = { grant_type: GRANT, device_code: code };
    expect(await post(site, "/auth/device/token", form)).toMatchObject({
      status: 400,
      body: { error: "authorization_pending" },
    });
    await approve(String(started.body["verification_uri_complete"]));
    const done = await post(site, "/auth/device/token", form);
    expect(done).toMatchObject({ status: 200, body: { account: "ann@example.com", token_type: "Bearer" } });
    expect(await use(site, String(done.body["access_token"]))).toMatchObject({ outcome: "identified" });
    // The code is used up at the provider.
    expect(await post(site, "/auth/device/token", form)).toMatchObject({
      status: 400,
      body: { error: "access_denied" },
    });
  });

  test("takes no device code but its own", async () => {
    const site = await openSite();
    for (const code of ["", "x", "a.b.c.d.e"]) {
      const form = { grant_type: GRANT, device_code: code };
      expect(await post(site, "/auth/device/token", form)).toMatchObject({
        status: 400,
        body: { error: "expired_token" },
      });
    }
    const other = { grant_type: "password", device_code: "x" };
    expect(await post(site, "/auth/device/token", other)).toMatchObject({ body: { error: "unsupported_grant_type" } });
    expect(await post(site, "/auth/device", { provider: "evil" })).toMatchObject({
      body: { error: "invalid_request" },
    });
  });
});

describe("attacks on the device flow", () => {
  const GRANT = "urn:ietf:params:oauth:grant-type:device_code";
  const send = async (site: Site, path: string, init: RequestInit) => {
    const response = await fetch(site.url + path, { method: "POST", ...init });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  const poll = (site: Site, code: string) =>
    send(site, "/auth/device/token", { body: new URLSearchParams({ grant_type: GRANT, device_code: code }) });
  const begin = async (site: Site): Promise<string> => {
    const { text } = await send(site, "/auth/device", { body: new URLSearchParams() });
    const started = JSON.parse(text) as Readonly<Record<string, unknown>>;
    return String(started["device_code"]);
  };

  test("guess no device code, and learn nothing from trying: the provider isn't asked about what isn't ours", async () => {
    const site = await openSite();
    const code = await begin(site);
    let asked = 0;
    site.provider.provider.on("grant.error", () => void (asked += 1));
    const guesses = Array.from({ length: 40 }, (_, index) => {
      const at = Math.floor((code.length * index) / 40);
      return code.slice(0, at) + (code[at] === "A" ? "B" : "A") + code.slice(at + 1);
    });
    const answers = new Set<string>();
    for (const guess of [...guesses, code.slice(1), `${code}A`, "A".repeat(code.length), "A".repeat(60_000)]) {
      const { status, text } = await poll(site, guess);
      expect(status).toBe(400);
      answers.add(text);
    }
    expect(answers.size).toBe(1);
    expect(asked).toBe(0);
    expect((await poll(site, code)).text).toContain("authorization_pending");
  });

  test("take no code of another registry, or one that is too old", async () => {
    const [site, other] = [await openSite(), await openSite()];
    const code = await begin(site);
    // The same secret, another provider: it doesn't know the code.
    expect((await poll(other, code)).text).toContain("access_denied");
    site.now += 3_600_000;
    expect((await poll(site, code)).text).toContain("expired_token");
  });

  test("by another site's page send nothing that is read, and read nothing that is answered", async () => {
    const site = await openSite();
    for (const path of ["/auth/device", "/auth/device/token"]) {
      // What a page can have a browser send without asking first (Fetch §2.2.2).
      for (const type of ["text/plain", "multipart/form-data; boundary=x", "application/json"]) {
        const answer = await send(site, path, {
          headers: { "content-type": type, origin: "https://evil.example" },
          body: "x",
        });
        expect(answer.text).toContain("invalid_request");
      }
      const { headers, status } = await fetch(site.url + path).then((response) => response);
      expect(status).toBe(404);
      expect(headers.get("location")).toBeNull();
      const form = {
        headers: { origin: "https://evil.example", cookie: "longshore-login=x" },
        body: new URLSearchParams(),
      };
      const answer = await send(site, path, form);
      expect(answer.headers.get("access-control-allow-origin")).toBeNull();
      expect(answer.headers.get("set-cookie")).toBeNull();
      expect(answer.headers.get("cache-control")).toBe("no-store");
    }
  });
});

describe("an answer of one provider at the callback of another", () => {
  test("is refused, and no code is sent to a provider that it isn't from", async () => {
    const pages: AuthPage[] = [];
    const listening = await servePages(lazily(pages));
    onTestFinished(() => listening.close());
    const callback = (name: string): string => `${listening.url}/auth/login/${name}/callback`;
    const honest = await startPeopleProvider([callback("openid")]);
    onTestFinished(() => honest[Symbol.asyncDispose]());
    const evil = await startPeopleProvider([callback("google")]);
    onTestFinished(() => evil[Symbol.asyncDispose]());
    for (const provider of [honest, evil]) {
      provider.people.set(ANN.sub, { ...ANN });
      provider.next = ANN;
    }
    const client = { clientid: CLIENT.id, clientsecret: CLIENT.secret };
    const chosen: ChosenSource = loginKind.section("login").parse({
      openid: { ...client, issuer: honest.url },
      google: { ...client, issuer: evil.url, domains: ["example.com"] },
    });
    const people = await chosen.open(sourcePorts());
    onTestFinished(() => people.close());
    pages.push(...(people.pages ?? []));
    let redeemed = 0;
    for (const { provider } of [honest, evil]) {
      for (const event of ["grant.success", "grant.error"] as const) provider.on(event, () => void (redeemed += 1));
    }

    for (const [from, to] of [
      ["openid", "google"],
      ["google", "openid"],
    ] as const) {
      const browser = openBrowser();
      const stop = (url: string): boolean => url.startsWith(callback(from));
      const answer = (await browser.open(`${listening.url}/auth/login/${from}`, { stop })).url;
      const moved = answer.replace(`/login/${from}/`, `/login/${to}/`);
      expect((await browser.open(moved)).status).toBe(403);
      // Also under the issuer's name of the provider that it is brought to.
      const renamed = new URL(answer);
      renamed.searchParams.set("iss", to === "google" ? evil.url : honest.url);
      expect((await browser.open(renamed.href)).status).toBe(403);
      expect(redeemed).toBe(0);
    }
  });
});

describe("Google's preset", () => {
  // The real provider of the other tests in Google's place, since Google itself can't be had here.
  test("admits the organisation's members by the claim that Google vouches for", async () => {
    const site = await openSite({ domains: ["example.com"] }, { provider: "google" });
    const visit = await openBrowser().open(`${site.url}/auth/login/google`);
    expect(await use(site, tokenIn(visit))).toMatchObject({
      identity: { account: "ann@example.com", labels: new Map([["domain", ["example.com"]]]) },
    });
  });

  test.each<[string, Partial<Person>]>([
    ["another organisation", { hd: "evil.example" }],
    ["no organisation, with an address of its domain", { hd: undefined as never }],
    ["an address that isn't verified", { email_verified: false }],
  ])("refuses %s", async (_name, person) => {
    const site = await openSite({ domains: ["example.com"] }, { provider: "google" });
    site.provider.people.set(ANN.sub, { ...ANN, ...person });
    expect((await openBrowser().open(`${site.url}/auth/login/google`)).status).toBe(403);
  });

  test("needs a domain", () => {
    const parsed = loginKind.section("login").safeParse({ google: { clientid: "x" } });
    expect(parsed.error?.message).toContain("at least one domain");
    expect(loginKind.section("login").safeParse({}).error?.message).toContain("a provider is needed");
  });
});
