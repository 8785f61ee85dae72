import type { IncomingMessage, ServerResponse } from "node:http";
import type { HealthConfig } from "../config/config.js";
import { ERROR_CODES } from "../errors/codes.js";
import { envelope } from "../errors/wire-error.js";
import { settleRequest } from "../http/unread-body.js";

/** Answers what isn't the application's to answer, and tells whether it did. */
export type HealthGate = (request: IncomingMessage, response: ServerResponse) => boolean;

/** What the gate goes by, asked at each request. */
export interface GateState {
  /** Whether every health check passes. */
  readonly isHealthy: () => boolean;
  /** Whether the process was asked to stop. */
  readonly isDraining: () => boolean;
}

const { status, message } = ERROR_CODES.UNAVAILABLE;
const UNAVAILABLE = envelope([
  { code: "UNAVAILABLE", message, detail: "health check failed: please see /debug/health" },
]);

/**
 * Stands before the application (contract §1.1, layer 5) and answers the probes: `/livez` (200 while the process answers) and
 * `/readyz` (503 while a check fails or the process is stopping). While a check fails, the mode `all` answers everything else
 * with 503 as the original does; `probes` only `/`, which no client asks and balancers that were set up for the original do,
 * so that a check that fails by mistake takes the registry out of a balancer's rotation, but never breaks a pull.
 */
export function createHealthGate(mode: HealthConfig["gate"], { isHealthy, isDraining }: GateState): HealthGate {
  return (request, response) => {
    const target = request.url ?? "/";
    // Nearly every request; the rest of the work is for the others.
    if (target.startsWith("/v2/")) return mode === "all" && !isHealthy() && answerUnavailable(request, response);
    const path = target.split("?", 1)[0];
    if (request.method === "GET" || request.method === "HEAD") {
      if (path === "/livez") return answerProbe(request, response, 200, "ok\n");
      if (path === "/readyz") {
        return isHealthy() && !isDraining()
          ? answerProbe(request, response, 200, "ready\n")
          : answerProbe(request, response, status, "not ready\n");
      }
    }
    return (mode === "all" || path === "/") && !isHealthy() && answerUnavailable(request, response);
  };
}

function answerUnavailable(request: IncomingMessage, response: ServerResponse): true {
  const headers = ["Content-Type", "application/json", "Content-Length", String(Buffer.byteLength(UNAVAILABLE))];
  response.writeHead(status, settleRequest(request, response, headers));
  response.end(request.method === "HEAD" ? "" : UNAVAILABLE);
  return true;
}

/** Why it isn't ready is told on the debug address: this one may be open to everybody. */
function answerProbe(request: IncomingMessage, response: ServerResponse, code: number, text: string): true {
  const headers = ["Content-Type", "text/plain; charset=utf-8", "Content-Length", String(text.length)];
  response.writeHead(code, settleRequest(request, response, [...headers, "Cache-Control", "no-store"]));
  response.end(request.method === "HEAD" ? "" : text);
  return true;
}
