import type { Setting } from "../../../config/settings.js";
import { ApiError } from "../../../errors/api-error.js";
import type { Exchange } from "../../exchange.js";
import type { Answer } from "../answers.js";
import { answer } from "./answer.js";

/** `GET /v2/_longshore/maintenance/configuration`. */
export async function showConfiguration(exchange: Exchange): Promise<void> {
  const settings = await exchange.shared.settings?.();
  if (settings === undefined) {
    throw new ApiError("UNSUPPORTED", { detail: "this registry's configuration has no keys of its own" });
  }
  answer<"Configuration">(exchange, 200, { settings: settings.map(shown) });
}

function shown({ path, value, source }: Setting): Answer<"Configuration">["settings"][number] {
  const common = { path, ...(value === undefined ? {} : { value }), isHidden: value === undefined };
  if (source === undefined) return { ...common, origin: "default" };
  if (source.origin === "environment") return { ...common, origin: "environment", variable: source.variable };
  return { ...common, origin: "file", file: source.file, line: source.line };
}
