import type { AuthPage } from "@longshore/auth";
import { describe, expect, onTestFinished, test } from "vitest";
import { login as loginKind } from "../../src/oidc/people/login-kind.js";
import { servePages } from "../pages-server.js";
import { sourcePorts } from "../support.js";
import { openBrowser } from "./browser.js";
import { CLIENT, startPeopleProvider } from "@longshore/testkit/people-provider";

const ANN = { sub: "ann", email: "ann@example.com", email_verified: true };

const LOGIN = "/auth/login";

/** Pages that come later: providers must know their addresses first. */
function lazily(pages: readonly AuthPage[]): readonly AuthPage[] {
  const paths = [LOGIN, ...["acme", "globex"].flatMap((name) => [`${LOGIN}/${name}`, `${LOGIN}/${name}/callback`])];
  return paths.map((path): AuthPage => ({
    path,
    methods: ["GET"],
    async answer(request, call) {
      const page = pages.find((each) => each.path === path);
      return (await page?.answer(request, call)) ?? { status: 404, headers: {}, body: "" };
    },
  }));
}

describe("several providers of OpenID Connect", () => {
  test("log in their own people, and none takes the account of another's", async () => {
    const pages: AuthPage[] = [];
    const listening = await servePages(lazily(pages));
    onTestFinished(() => listening.close());
    const acme = await startPeopleProvider([`${listening.url}/auth/login/acme/callback`]);
    const globex = await startPeopleProvider([`${listening.url}/auth/login/globex/callback`]);
    onTestFinished(() => acme[Symbol.asyncDispose]());
    onTestFinished(() => globex[Symbol.asyncDispose]());
    const client = { clientid: CLIENT.id, clientsecret: CLIENT.secret };
    const chosen = loginKind.section("login").parse({
      providers: [
        { name: "acme", title: "Acme", issuer: acme.url, ...client },
        { name: "globex", title: "Globex", issuer: globex.url, ...client },
      ],
    });
    const ports = sourcePorts();
    const people = await chosen.open(ports);
    onTestFinished(() => people.close());
    pages.push(...(people.pages ?? []));
    const logInAt = async (provider: typeof acme, name: string, person: typeof ANN) => {
      provider.people.set(person.sub, { ...person });
      provider.next = person;
      return openBrowser().open(`${listening.url}/auth/login/${name}`);
    };
    const list = await openBrowser().open(`${listening.url}/auth/login`);
    expect(list.text).toContain("Log in with Acme");
    expect(list.text).toContain("Log in with Globex");
    expect((await logInAt(acme, "acme", ANN)).text).toMatch(/lspat_[0-9A-Za-z]{36}/);
    const bob = { ...ANN, sub: "bob", email: "bob@globex.example" };
    const visit = await logInAt(globex, "globex", bob);
    expect(visit.text).toContain("bob@globex.example");
    const taken = await logInAt(globex, "globex", { ...ANN, sub: "another" });
    expect(taken.status).toBe(403);
    expect(taken.text).toContain("belongs to a login with another provider");
  });

  test.each([
    [[{ name: "openid" }], "which another provider is called"],
    [[{ name: "acme" }, { name: "acme" }], "which another provider is called"],
    [[{ name: "acme", issuer: "http://acme.example" }], "begins with https://"],
  ])("need names of their own and trustworthy issuers: %j", (providers, message) => {
    const full = providers.map((one) => ({ issuer: "https://acme.example", clientid: "x", ...one }));
    const { error } = loginKind.section("login").safeParse({ providers: full });
    expect(error?.message).toContain(message);
  });
});
