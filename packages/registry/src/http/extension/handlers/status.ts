import { ApiError } from "../../../errors/api-error.js";
import type { Exchange } from "../../exchange.js";
import { answer } from "./answer.js";

/** `GET /v2/_longshore/maintenance/status`. */
export async function showStatus(exchange: Exchange): Promise<void> {
  const { status } = exchange.shared;
  if (status === undefined) throw new ApiError("UNSUPPORTED", { detail: "this registry runs without background jobs" });
  const found = await status.read();
  if (found === undefined) {
    const detail = "the registry is starting or very busy; ask again in a moment";
    throw new ApiError("UNAVAILABLE", { detail, headers: { "Retry-After": "5" } });
  }
  answer<"Status">(exchange, 200, found);
}
