import type { Config } from "../config/config.js";
import type { NotificationService } from "../notifications/service.js";
import type { Log } from "../observability/log.js";

/** The notifications of a configuration that has endpoints. What they are made of is loaded only then. */
export async function startNotifications(
  { notifications }: Config,
  log: Log,
): Promise<NotificationService | undefined> {
  for (const name of notifications.disabled) log.info(`endpoint ${name} disabled, skipping`);
  if (notifications.endpoints.length === 0) return undefined;
  const { openNotifications } = await import("../notifications/service.js");
  return openNotifications(notifications, log);
}
