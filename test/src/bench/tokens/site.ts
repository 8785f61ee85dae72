import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { listen } from "@longshore/testkit/loopback";
import bcrypt from "bcryptjs";
import { request } from "undici";
import { stringify } from "yaml";
import { z } from "zod";
import { start, type Launcher, type Target } from "../servers.js";

export const SERVICE = "bench";
export const SCOPE = "repository:team/app:pull,push";
const USER = "bench";
const PASSWORD = "bench password";
/** What `htpasswd -B` users are advised to use, and Distribution's own. */
const COST = 10;

/** A token server of one process, with a directory behind it that never answers. */
export interface TokenSite extends AsyncDisposable {
  readonly target: Target;
  /** `Authorization` with the password of a user. */
  readonly password: string;
  /** And with a personal access token. */
  readonly personal: string;
  readonly refreshToken: string;
}

const TOKENS = z.looseObject({ refresh_token: z.string() });
const CREATED = z.looseObject({ token: z.string() });

/** Starts it on a fresh folder below `folder`. */
export async function startTokenSite(launcher: Launcher, folder: string): Promise<TokenSite> {
  await mkdir(folder, { recursive: true });
  // It takes connections and says nothing.
  const directory = await listen(createServer((socket) => void socket.on("error", () => undefined).resume()));
  const htpasswd = join(folder, "htpasswd");
  await writeFile(htpasswd, `${USER}:${await bcrypt.hash(PASSWORD, COST)}\n`);
  const target = await start(launcher, folder, { REGISTRY_HTTP_WORKERS: "1" }, configuration(htpasswd, directory.url));
  const password = basic(USER, PASSWORD);
  const form = { grant_type: "password", username: USER, password: PASSWORD, access_type: "offline", service: SERVICE };
  const answered = await request(`${target.origin}/auth/token`, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(form).toString(),
  });
  const created = await request(`${target.origin}/auth/tokens`, {
    method: "POST",
    headers: { authorization: password, "content-type": "application/json" },
    body: "{}",
  });
  return {
    target,
    password,
    personal: basic("x", CREATED.parse(await created.body.json()).token),
    refreshToken: TOKENS.parse(await answered.body.json()).refresh_token,
    async [Symbol.asyncDispose]() {
      await target[Symbol.asyncDispose]();
      await directory.close();
    },
  };
}

export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}

function configuration(htpasswd: string, directory: string): string {
  return stringify({
    access: [
      { name: "anonymous", type: "repository", repository: "public/*", action: ["pull"] },
      { match: { account: USER, name: "team/*" }, actions: ["pull", "push"] },
    ],
    tokenserver: {
      service: SERVICE,
      sources: ["personal", "local", "ldap"],
      personal: {},
      // All clients have one address here, and each wrong password is to cost its hash.
      throttle: { disabled: true },
      local: { htpasswd },
      ldap: { urls: [directory.replace(/^http/, "ldap")], base: "dc=example", binddn: "cn=bench", bindpassword: "x" },
    },
  });
}
