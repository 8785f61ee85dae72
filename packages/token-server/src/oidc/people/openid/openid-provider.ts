import { AuthError, isAccountName } from "@longshore/auth";
import * as client from "openid-client";
import { findUnmet, type ClaimCondition } from "../../machines/claim-rules.js";
import type { ClaimTemplate } from "../../machines/claim-template.js";
import type { Claims } from "../../machines/claim-values.js";
import { boundedFetch } from "../bounded-fetch.js";
import { LoginRefused, type LoginChecks, type LoginProvider, type ProvidedLogin } from "../provider.js";

/** A provider with discovery, however it was configured. */
export interface OpenIdSettings {
  readonly name: string;
  readonly title: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  readonly scopes: readonly string[];
  /** Further parameters of the authorization request. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Who may log in, by the claims of the ID token and of the user info endpoint. */
  readonly conditions: readonly ClaimCondition[];
  readonly account: ClaimTemplate;
  readonly labels: ReadonlyMap<string, readonly ClaimTemplate[]>;
}

const DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";

/** How long a discovery document is used (ms). */
const MAX_AGE = 60 * 60_000;

/** Any provider of OpenID Connect: authorization code with PKCE, and the device flow. */
export function createOpenIdProvider(settings: OpenIdSettings): LoginProvider {
  const { name, title, issuer, scopes } = settings;
  let discovered: { readonly configuration: Promise<client.Configuration>; readonly at: number } | undefined;

  function discover(): Promise<client.Configuration> {
    if (discovered !== undefined && performance.now() - discovered.at < MAX_AGE) return discovered.configuration;
    const url = new URL(issuer);
    const authentication =
      settings.clientSecret === undefined ? client.None() : client.ClientSecretPost(settings.clientSecret);
    const configuration = client.discovery(url, settings.clientId, undefined, authentication, {
      [client.customFetch]: (address, request) => boundedFetch(address, { ...request, body: bodyOf(request.body) }),
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- the options refuse http:// for every host but this one
      execute: url.protocol === "http:" ? [client.allowInsecureRequests] : [],
    });
    discovered = { configuration, at: performance.now() };
    configuration.catch(() => {
      discovered = undefined;
    });
    return configuration;
  }

  /** Every fault of the provider's in one of the two forms that callers know. */
  async function asking<T>(work: (configuration: client.Configuration) => Promise<T>): Promise<T> {
    try {
      return await work(await discover());
    } catch (error) {
      throw faultOf(error, title);
    }
  }

  async function complete(
    configuration: client.Configuration,
    tokens: client.TokenEndpointResponse & client.TokenEndpointResponseHelpers,
    before?: { readonly renewal: string; readonly subject: string },
  ): Promise<ProvidedLogin> {
    const claims: Claims = await gatherClaims(configuration, tokens, before?.subject);
    const subject = claims["sub"];
    if (typeof subject !== "string") throw new LoginRefused(`${title} doesn't say who you are.`);
    return {
      identity: identityOf(settings, claims),
      subject,
      renewal: tokens.refresh_token ?? before?.renewal,
    };
  }

  return {
    name,
    title,
    authorize: ({ redirectUri, state, nonce, verifier }) =>
      asking(async (configuration) =>
        client.buildAuthorizationUrl(configuration, {
          ...settings.parameters,
          scope: scopes.join(" "),
          redirect_uri: redirectUri,
          state,
          nonce,
          code_challenge: await client.calculatePKCECodeChallenge(verifier),
          code_challenge_method: "S256",
        }),
      ),
    redeem: (answer, checks) =>
      asking(async (configuration) => {
        const tokens = await client.authorizationCodeGrant(configuration, answerUrl(answer, checks), {
          pkceCodeVerifier: checks.verifier,
          expectedState: checks.state,
          expectedNonce: checks.nonce,
          idTokenExpected: true,
        });
        return complete(configuration, tokens);
      }),
    startDevice: () =>
      asking(async (configuration) => {
        if (configuration.serverMetadata().device_authorization_endpoint === undefined) {
          throw new LoginRefused(`${title} has no device flow; log in with a browser instead.`);
        }
        const started = await client.initiateDeviceAuthorization(configuration, { scope: scopes.join(" ") });
        return {
          deviceCode: started.device_code,
          userCode: started.user_code,
          verificationUri: started.verification_uri,
          verificationUriComplete: started.verification_uri_complete,
          expiresIn: started.expires_in,
          interval: started.interval ?? 5,
        };
      }),
    pollDevice: (deviceCode) =>
      asking(async (configuration) => {
        try {
          const tokens = await client.genericGrantRequest(configuration, DEVICE_GRANT, { device_code: deviceCode });
          return await complete(configuration, tokens);
        } catch (error) {
          const code = error instanceof client.ResponseBodyError ? error.error : undefined;
          if (code === "authorization_pending") return "pending";
          if (code === "slow_down") return "slow_down";
          throw error;
        }
      }),
    renew: (renewal, subject) =>
      asking(async (configuration) => {
        const tokens = await client.refreshTokenGrant(configuration, renewal);
        return complete(configuration, tokens, { renewal, subject });
      }),
  };
}

/** The library reads the answer from the URL that the browser came to. */
function answerUrl(answer: URLSearchParams, { redirectUri }: LoginChecks): URL {
  const url = new URL(redirectUri);
  url.search = answer.toString();
  return url;
}

/** Of the ID token, and of the user info endpoint what the token doesn't have. */
async function gatherClaims(
  configuration: client.Configuration,
  tokens: client.TokenEndpointResponse & client.TokenEndpointResponseHelpers,
  subject: string | undefined,
): Promise<Claims> {
  const claims = tokens.claims();
  const { userinfo_endpoint: endpoint } = configuration.serverMetadata();
  if (endpoint === undefined) return { ...claims };
  // The library refuses an answer about somebody else. A refreshed login needn't have an ID token (OpenID Connect Core §12.2).
  const expected = claims?.sub ?? subject;
  if (expected === undefined) throw new LoginRefused("The provider has given no ID token.");
  const more = await client.fetchUserInfo(configuration, tokens.access_token, expected);
  return { ...more, ...claims };
}

function identityOf({ title, conditions, account, labels }: OpenIdSettings, claims: Claims): ProvidedLogin["identity"] {
  const unmet = findUnmet(conditions, claims);
  if (unmet !== undefined) {
    throw new LoginRefused(`Your account at ${title} is not one that may log in here (${unmet.path.join(".")}).`);
  }
  if (account.claims.includes("email") && String(claims["email_verified"]) !== "true") {
    throw new LoginRefused(`${title} hasn't verified your email address.`);
  }
  const name = account.fill(claims);
  if (name === undefined || !isAccountName(name)) {
    throw new LoginRefused(`${title} doesn't tell what your account is called (${account.claims.join(", ")}).`);
  }
  const values = Array.from(
    labels,
    ([label, templates]) => [label, templates.flatMap((each) => each.fillAll(claims))] as const,
  );
  return { account: name, labels: new Map(values.filter(([, texts]) => texts.length > 0)) };
}

function faultOf(error: unknown, title: string): unknown {
  if (error instanceof LoginRefused || error instanceof AuthError) return error;
  const reason = error instanceof Error ? error.message : "unknown fault";
  if (error instanceof client.AuthorizationResponseError) {
    return new LoginRefused(
      error.error === "access_denied" ? "The login was cancelled." : `${title} refuses the login.`,
      {
        cause: error,
      },
    );
  }
  const isRefusal = error instanceof client.ResponseBodyError && error.status < 500 && error.status !== 429;
  if (isRefusal) return new LoginRefused(`${title} refuses the login.`, { cause: error });
  // What the library finds wrong with an answer is no outage: states, nonces, issuers and signatures that don't fit.
  if (error instanceof client.ClientError && error.code !== undefined && CHECKS.test(error.code)) {
    return new LoginRefused(`The answer of ${title} doesn't belong to this login. Start again.`, { cause: error });
  }
  return new AuthError({ code: "UNAVAILABLE", reason: `${title} can't be asked now: ${reason}` }, { cause: error });
}

const CHECKS = /^OAUTH_(?:INVALID_RESPONSE|JWT_|JSON_ATTRIBUTE|KEY_SELECTION|UNSUPPORTED|MISSING)/;

/** The library sends forms and nothing else. */
function bodyOf(body: client.FetchBody): URLSearchParams | string | undefined {
  return typeof body === "string" || body instanceof URLSearchParams ? body : undefined;
}
