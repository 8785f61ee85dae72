import { signal } from "@preact/signals";

/** How often ages are brought up to date (ms). */
const TICK = 30_000;

/** Now, in ms since 1970, within {@link TICK}. */
export const now = signal(Date.now());

setInterval(() => {
  now.value = Date.now();
}, TICK);
