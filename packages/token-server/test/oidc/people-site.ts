import type { AuthPage } from "@longshore/auth";
import type { Listening } from "@longshore/testkit/loopback";
import { onTestFinished } from "vitest";
import type { ChosenSource, IdentitySource, Login, Records, SourcePorts, TokenSite } from "../../src/contract.js";
import { login as loginKind } from "../../src/oidc/people/login-kind.js";
import { personal } from "../../src/personal-tokens/personal-kind.js";
import { servePages } from "../pages-server.js";
import { loginContext, sourcePorts, type RecordedLog } from "../support.js";
import type { Visit } from "./browser.js";
import {
  CLIENT,
  startPeopleProvider,
  type PeopleProvider,
  type Person,
  type ProviderConfiguration,
} from "@longshore/testkit/people-provider";

/** A registry's pages with a provider. */
export interface Site {
  readonly url: string;
  readonly provider: PeopleProvider;
  readonly tokens: IdentitySource;
  readonly people: IdentitySource;
  readonly ports: SourcePorts & { readonly log: RecordedLog };
  now: number;
}

export const ANN: Person = {
  sub: "ann-1",
  email: "ann@example.com",
  email_verified: true,
  groups: ["developers"],
  hd: "example.com",
};

interface SiteOptions {
  readonly provider?: "openid" | "google" | "gitlab";
  readonly records?: Records;
  /** Of the provider itself. */
  readonly over?: ProviderConfiguration;
  /** Options beside the provider's. */
  readonly login?: object;
}

/** Pages first, whose address the provider must know, and what answers them afterwards. */
export async function openSite(
  options: object = {},
  { provider: kind = "openid", records, login = {}, over = {} }: SiteOptions = {},
): Promise<Site> {
  const pages: AuthPage[] = [];
  const listening: Listening = await servePages(lazily(pages));
  onTestFinished(() => listening.close());
  const provider = await startPeopleProvider(
    [`${listening.url}/auth/login/${kind}/callback`, `${listening.url}/oidc_auth`],
    over,
  );
  onTestFinished(() => provider[Symbol.asyncDispose]());
  provider.people.set(ANN.sub, { ...ANN });
  provider.next = ANN;
  const time = { now: Date.now() };
  const site: TokenSite = {
    resume: () => Promise.resolve(undefined),
    sources: ["login"],
    verify: () => Promise.reject(new Error("passwords aren't a part of this")),
    lookup: async (source, account, context) =>
      source === "login" ? (await people.lookup?.(account, context))?.identity : undefined,
    granted: () => Promise.resolve([]),
  };
  const ports = sourcePorts({ clock: () => time.now, site, ...(records === undefined ? {} : { records }) });
  const where = kind === "gitlab" ? { weburi: provider.url } : { issuer: provider.url };
  const client = { ...where, clientid: CLIENT.id, clientsecret: CLIENT.secret };
  const { revalidate, grace, tokenlifetime, ...more } = { ...options } as Record<string, unknown>;
  const chosen: ChosenSource = loginKind
    .section("login")
    .parse({ revalidate, grace, tokenlifetime, [kind]: { ...client, ...more }, ...login });
  const people = await chosen.open(ports);
  const tokens = await personal.section("personal").parse({ recheck: "1s" }).open(ports);
  onTestFinished(async () => {
    await tokens.close();
    await people.close();
  });
  pages.push(...(people.pages ?? []), ...(tokens.pages ?? []));
  return Object.defineProperty({ url: listening.url, provider, tokens, people, ports, now: 0 }, "now", {
    get: () => time.now,
    set: (now: number) => void (time.now = now),
  });
}

/** A page for each of `pages`, also for those that come later. */
export function lazily(pages: readonly AuthPage[]): readonly AuthPage[] {
  const paths = ["/auth/login", "/auth/device", "/auth/device/token", "/oidc_auth"];
  const providers = ["openid", "google", "github", "gitlab"].flatMap((name) => [
    `/auth/login/${name}`,
    `/auth/login/${name}/callback`,
  ]);
  return [...paths, ...providers].map((path): AuthPage => ({
    path,
    methods: ["GET", "POST"],
    async answer(request, call) {
      const page = pages.find((each) => each.path === path && each.methods.some((method) => method === request.method));
      return (await page?.answer(request, call)) ?? { status: 404, headers: {}, body: "" };
    },
  }));
}

export function tokenIn({ text }: Visit): string {
  return /lspat_[0-9A-Za-z]{36}/.exec(text)?.[0] ?? "";
}

export function use(site: Site, password: string): Promise<Login> {
  return site.tokens.verify({ account: "x", password }, loginContext());
}

export function reason(found: Login): string {
  return found.outcome === "failed" ? found.reason : found.outcome;
}
