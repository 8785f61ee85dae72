import { signal } from "@preact/signals";

/** Whether the registry has asked for a login to show this page. */
export const loginWanted = signal(false);
