import { ApiError } from "../../../errors/api-error.js";
import type { Exchange } from "../../exchange.js";
import { answer } from "./answer.js";

/** `DELETE /v2/<name>/_longshore/repository/contents`. */
export async function deleteRepository(exchange: Exchange): Promise<void> {
  if (!exchange.shared.config.storage.delete.enabled) throw new ApiError("UNSUPPORTED");
  const { name } = exchange.repository;
  // Without the exchange's signal: what a client began that leaves now is better completed than left half done.
  const { manifests, tags, uploads, left } = await exchange.registry.remove(name);
  answer<"RepositoryRemoval">(exchange, 200, { name, manifests, tags, uploads, left });
}
