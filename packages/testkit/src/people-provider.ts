import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { listen, type Listening } from "./loopback.js";
import { Provider, type Account, type Configuration } from "oidc-provider";

/** How the provider is configured, beside what a test needs. */
export type ProviderConfiguration = Configuration;

/** Somebody whom the provider knows. */
export interface Person {
  readonly sub: string;
  email: string;
  email_verified: boolean;
  groups?: string[];
  nickname?: string;
  hd?: string;
}

/** A real provider of OpenID Connect on the loopback address, whose people log in without being asked. */
export interface PeopleProvider extends AsyncDisposable {
  readonly url: string;
  readonly provider: Provider;
  /** Who logs in next; undefined cancels the login. */
  next: Person | undefined;
  /** By subject; a person who is removed is gone. */
  readonly people: Map<string, Person>;
}

/** The registry's client at the provider. */
export const CLIENT = { id: "registry", secret: "a client secret for the tests" };

/** Starts a provider, to whose client `redirectUris` belong. */
export async function startPeopleProvider(
  redirectUris: readonly string[],
  over: ProviderConfiguration = {},
): Promise<PeopleProvider> {
  const server: Server = createServer();
  const listening: Listening = await listen(server);
  const people = new Map<string, Person>();
  const provider = new Provider(listening.url, {
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        redirect_uris: [...redirectUris],
        grant_types: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
        token_endpoint_auth_method: "client_secret_post",
      },
    ],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["groups", "hd", "nickname"] },
    findAccount(_context: unknown, sub: string): Account | undefined {
      const person = people.get(sub);
      return person === undefined ? undefined : { accountId: sub, claims: () => ({ ...person }) };
    },
    features: { devInteractions: { enabled: false }, deviceFlow: { enabled: true } },
    interactions: { url: (_context: unknown, { uid }: { readonly uid: string }) => `/interaction/${uid}` },
    cookies: { keys: ["a key for the tests"] },
    scopes: ["openid", "email", "profile", "offline_access"],
    pkce: { required: () => true },
    ...over,
  });
  provider.on("server_error", (_context, error) => {
    throw error;
  });
  const state: PeopleProvider = {
    url: listening.url,
    provider,
    next: undefined,
    people,
    [Symbol.asyncDispose]: () => listening.close(),
  };
  const handle = provider.callback();
  server.on("request", (request, response) => {
    if (request.url?.startsWith("/interaction/") !== true) {
      void handle(request, response);
      return;
    }
    void provider.interactionDetails(request, response).then(async ({ prompt, params, session, grantId }) => {
      if (state.next === undefined) {
        return provider.interactionFinished(request, response, { error: "access_denied" });
      }
      if (prompt.name === "login") {
        return provider.interactionFinished(request, response, { login: { accountId: state.next.sub } });
      }
      const { accountId } = session ?? {};
      const grant =
        (grantId === undefined ? undefined : await provider.Grant.find(grantId)) ??
        new provider.Grant({
          ...(accountId === undefined ? {} : { accountId }),
          clientId: String(params["client_id"]),
        });
      grant.addOIDCScope(String(params["scope"]));
      return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
    });
  });
  if (!server.listening) await once(server, "listening");
  return state;
}
