import type { IncomingMessage, ServerResponse } from "node:http";
import type { HealthConfig } from "../../config/config.js";
import { ERROR_CODES } from "../../errors/codes.js";
import { envelope } from "../../errors/wire-error.js";
import { isRootPath } from "../../http/steps/root-path.js";
import { respond, responseState } from "../../http/response/respond.js";

/** Responds to requests that aren't for the application, and returns whether it did. */
export type HealthGate = (request: IncomingMessage, response: ServerResponse) => boolean;

/** The state that the gate depends on, read at each request. */
export interface GateState {
  /** Whether every health check passes. */
  readonly isHealthy: () => boolean;
  /** Whether the process is stopping. */
  readonly isDraining: () => boolean;
}

const { status, message } = ERROR_CODES.UNAVAILABLE;
const UNAVAILABLE = envelope([
  { code: "UNAVAILABLE", message, detail: "health check failed: please see /debug/health" },
]);

/**
 * Stands before the application (wire contract §1.1, layer 5) and answers the probes: `/livez` (200 while the process answers) and
 * `/readyz` (503 while a check fails or the process is stopping). While a check fails, the mode `all` answers everything else
 * with 503 as Distribution does; `probes` only `/`, which is requested by balancers configured for Distribution but by no client,
 * so that a check that fails by mistake takes the registry out of a balancer's rotation, but never breaks a pull.
 */
export function createHealthGate(mode: HealthConfig["gate"], { isHealthy, isDraining }: GateState): HealthGate {
  return (request, response) => {
    const target = request.url ?? "/";
    // The fast path for nearly every request.
    if (target.startsWith("/v2/")) return mode === "all" && !isHealthy() && answerUnavailable(request, response);
    const [path = ""] = target.split("?", 1);
    if (request.method === "GET" || request.method === "HEAD") {
      if (path === "/livez") return answerProbe(request, response, 200, "ok\n");
      if (path === "/readyz") {
        return isHealthy() && !isDraining()
          ? answerProbe(request, response, 200, "ready\n")
          : answerProbe(request, response, status, "not ready\n");
      }
    }
    return (mode === "all" || isRootPath(path)) && !isHealthy() && answerUnavailable(request, response);
  };
}

function answerUnavailable(request: IncomingMessage, response: ServerResponse): true {
  const to = { req: request, res: response, state: responseState(request) };
  respond(to, status, ["Content-Type", "application/json"], UNAVAILABLE);
  return true;
}

/** The reason is only shown on the debug address, because this one may be public. */
function answerProbe(request: IncomingMessage, response: ServerResponse, code: number, text: string): true {
  const to = { req: request, res: response, state: responseState(request) };
  respond(to, code, ["Content-Type", "text/plain; charset=utf-8", "Cache-Control", "no-store"], text);
  return true;
}
