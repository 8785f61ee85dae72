import { createHash, randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { serveHttp, type Listening } from "./loopback.js";

/**
 * Stands in for GitHub over a real socket: its endpoints of OAuth 2 and of the API, by its documentation. GitHub itself can't be had
 * here.
 */
export interface GitHubStandIn {
  readonly listening: Listening;
  login: string;
  id: number;
  organizations: { login: string; state: string }[];
  teams: { slug: string; organization: string }[];
  /** By access token: false was revoked. */
  readonly tokens: Map<string, boolean>;
  /** What the device flow answers next instead of a token. */
  deviceError: string | undefined;
  /** What every request of the API answers instead. */
  status: number | undefined;
  /** The code with which the user comes back from the page at `url`. */
  authorize(url: URL): string;
}

/** Starts one with a user of one organisation, whose OAuth app has the secret `shh`. */
export async function startGitHub(): Promise<GitHubStandIn> {
  const codes = new Map<string, { readonly challenge: string; readonly redirectUri: string }>();
  function answerApi(url: URL, request: IncomingMessage, json: (document: unknown, status?: number) => void): void {
    if (state.status !== undefined) return void json({}, state.status);
    const token = request.headers.authorization?.replace("Bearer ", "") ?? "";
    if (state.tokens.get(token) !== true) return void json({ message: "Bad credentials" }, 401);
    const page = Number(url.searchParams.get("page"));
    const slice = <T>(all: readonly T[]): readonly T[] => all.slice((page - 1) * 100, page * 100);
    if (url.pathname === "/user") return void json({ id: state.id, login: state.login });
    if (url.pathname === "/user/memberships/orgs") {
      return void json(
        slice(state.organizations).map(({ login, state: of }) => ({ organization: { login }, state: of })),
      );
    }
    if (url.pathname === "/user/teams") {
      return void json(
        slice(state.teams).map(({ slug, organization }) => ({ slug, organization: { login: organization } })),
      );
    }
    json({}, 404);
  }
  const listening = await serveHttp((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const url = new URL(request.url ?? "", listening.url);
      const json = (document: unknown, status = 200): void => {
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(document));
      };
      const form = new URLSearchParams(Buffer.concat(chunks).toString("utf8"));
      const issue = (): void => {
        const token = `gho_${randomUUID()}`;
        state.tokens.set(token, true);
        json({ access_token: token, token_type: "bearer", scope: "read:org" });
      };
      if (url.pathname === "/login/oauth/authorize") {
        const back = new URL(url.searchParams.get("redirect_uri") ?? "");
        back.search = new URLSearchParams({
          code: state.authorize(url),
          state: url.searchParams.get("state") ?? "",
        }).toString();
        return void response.writeHead(302, { location: back.href }).end();
      }
      if (url.pathname === "/login/oauth/access_token") {
        if (form.get("client_secret") !== "shh") return void json({ error: "incorrect_client_credentials" });
        if (form.has("device_code"))
          return state.deviceError === undefined ? void issue() : void json({ error: state.deviceError });
        const code = codes.get(form.get("code") ?? "");
        codes.delete(form.get("code") ?? "");
        const challenge = createHash("sha256")
          .update(form.get("code_verifier") ?? "")
          .digest("base64url");
        const fits = code?.challenge === challenge && code.redirectUri === form.get("redirect_uri");
        return fits ? void issue() : void json({ error: "bad_verification_code" });
      }
      if (url.pathname === "/login/device/code") {
        return void json({
          device_code: "d",
          user_code: "ABCD-1234",
          verification_uri: `${listening.url}/login/device`,
          expires_in: 900,
          interval: 5,
        });
      }
      answerApi(url, request, json);
    });
  });
  const state: GitHubStandIn = {
    listening,
    login: "Ann",
    id: 7,
    organizations: [{ login: "Acme", state: "active" }],
    teams: [
      { slug: "developers", organization: "Acme" },
      { slug: "secret", organization: "Other" },
    ],
    tokens: new Map(),
    deviceError: undefined,
    status: undefined,
    authorize(url) {
      const code = randomUUID();
      codes.set(code, {
        challenge: url.searchParams.get("code_challenge") ?? "",
        redirectUri: url.searchParams.get("redirect_uri") ?? "",
      });
      return code;
    },
  };
  return state;
}
