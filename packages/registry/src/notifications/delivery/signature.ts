import { createHmac } from "node:crypto";

/**
 * The value of `Longshore-Signature` for a body that is sent at `time` (ms): `t=<seconds>,v1=<hex>`, where the hex digits
 * are the HMAC-SHA256 of `<seconds>.<body>` under the secret (docs/operating.md §Notifications has the check). The time
 * prevents a recorded request from being replayed later.
 */
export function signBody(body: string, secret: string, time: number): string {
  const seconds = Math.floor(time / 1000);
  const digest = createHmac("sha256", secret).update(`${seconds}.`).update(body).digest("hex");
  return `t=${seconds},v1=${digest}`;
}
