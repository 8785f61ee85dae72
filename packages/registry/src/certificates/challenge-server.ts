import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { SECOND } from "@longshore/base/duration";
import { parseListenAddress } from "../server/listeners/listen-address.js";
import { bind } from "../server/listeners/bind.js";
import type { ChallengeLookup } from "./challenges.js";

/** `http.tls.letsencrypt.httpaddr`, while it is listened on. */
export interface ChallengeServer {
  /** As a start-up line shows it. */
  readonly address: string;
  close(): void;
}

const PREFIX = "/.well-known/acme-challenge/";

/** For a whole request (ms). */
const PATIENCE = 10 * SECOND;
const MOST_CONNECTIONS = 256;

/**
 * Answers HTTP-01 challenges (RFC 8555 §8.3), and sends everybody else to HTTPS, if they ask for one of `hosts`. Throws
 * AddressError.
 */
export async function startChallengeServer(
  addr: string,
  hosts: readonly string[],
  find: ChallengeLookup,
): Promise<ChallengeServer> {
  const server = createServer({ headersTimeout: PATIENCE, requestTimeout: PATIENCE, keepAlive: false });
  server.maxConnections = MOST_CONNECTIONS;
  server.on("request", (request, response) => {
    response.setHeader("Connection", "close");
    void answer(request, response, hosts, find).catch(() => {
      end(response, 503, "the challenge can't be looked up at the moment\n");
    });
  });
  const address = await bind(server, parseListenAddress("tcp", addr));
  return { address, close: () => stop(server) };
}

function stop(server: Server): void {
  server.close();
  server.closeAllConnections();
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  hosts: readonly string[],
  find: ChallengeLookup,
): Promise<void> {
  const host = (request.headers.host ?? "").toLowerCase().replace(/:\d+$/, "");
  const path = request.url ?? "";
  if (!hosts.includes(host) || !path.startsWith("/")) return void end(response, 404, "unknown host\n");
  if (request.method !== "GET" && request.method !== "HEAD") return void end(response, 400, "use HTTPS\n");
  if (!path.startsWith(PREFIX)) {
    response.setHeader("Location", `https://${host}${path}`);
    return void end(response, 302, "use HTTPS\n");
  }
  const challenge = await find(host);
  if (challenge?.token !== path.slice(PREFIX.length)) return void end(response, 404, "no such challenge is pending\n");
  end(response, 200, challenge.keyAuthorization);
}

function end(response: ServerResponse, status: number, text: string): void {
  response.statusCode = status;
  response.setHeader("Content-Type", "text/plain; charset=utf-8");
  response.end(text);
}
