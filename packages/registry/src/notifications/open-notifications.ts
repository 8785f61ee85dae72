import type { NotificationsConfig } from "../config/config.js";
import type { Log } from "../observability/log.js";
import type { NotificationService } from "./service.js";

/** The notifications of a configuration that has endpoints; undefined if it has none. Their code is loaded only then. */
export async function openNotifications(
  config: NotificationsConfig,
  log: Log,
): Promise<NotificationService | undefined> {
  for (const name of config.disabled) log.info(`endpoint ${name} disabled, skipping`);
  if (config.endpoints.length === 0) return undefined;
  const { NotificationService } = await import("./service.js");
  return NotificationService.open(config, log);
}
