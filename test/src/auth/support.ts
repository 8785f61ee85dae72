import { readFile } from "node:fs/promises";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { request as httpsRequest, type Agent as HttpsAgent } from "node:https";
import { buffer } from "node:stream/consumers";
import bcrypt from "bcryptjs";

/** A user of the tests; the cost is the least there is, since it isn't what they are about. */
export function passwordLine(user: string, password: string, cost = 4): string {
  return `${user}:${bcrypt.hashSync(password, cost)}\n`;
}

/** An Authorization header's value (RFC 7617). */
export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}

export interface AuthAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface AuthAsk {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** The authority that vouches for the server: over TLS. */
  readonly ca?: string;
  readonly agent?: HttpsAgent;
}

/** One request on a connection of its own, unless an agent keeps it. */
export function askPort(port: number, ask: AuthAsk): Promise<AuthAnswer> {
  const { method = "GET", path, headers = {}, body, ca, agent } = ask;
  const common = { host: "127.0.0.1", port, method, path, headers };
  return new Promise((resolve, reject) => {
    const request =
      ca === undefined
        ? httpRequest({ ...common, agent: false })
        : httpsRequest({ ...common, ca, agent: agent ?? false });
    request.once("error", reject);
    request.once("response", (response) => {
      buffer(response).then(
        (bytes) => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: bytes.toString() }),
        reject,
      );
    });
    request.end(body);
  });
}

/** The lines of an audit file, in the order of their times. */
export async function auditLines(path: string): Promise<Record<string, unknown>[]> {
  const text = await readFile(path, "utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map(parseLine);
}

/** Every line has to be a JSON object of its own. */
function parseLine(line: string): Record<string, unknown> {
  const value: unknown = JSON.parse(line);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error(`no object: ${line}`);
  return Object.fromEntries(Object.entries(value));
}

/** The token in the answer of a token endpoint. */
export function tokenIn(text: string): string {
  const { token } = parseLine(text);
  if (typeof token !== "string") throw new Error(`no token in ${text}`);
  return token;
}
