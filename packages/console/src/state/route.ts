import { computed, signal } from "@preact/signals";
import { loginWanted } from "./login-wanted.js";
import { formatRoute, parseRoute, type Page } from "../lib/route.js";

const hash = signal(location.hash);

addEventListener("hashchange", () => {
  // Another page may be one that needs no login.
  loginWanted.value = false;
  hash.value = location.hash;
});

/** The page that the address means. */
export const route = computed(() => parseRoute(hash.value));

/** Goes to a page, as a link does. */
export function visit(page: Page, query: Readonly<Record<string, string | undefined>> = {}): void {
  location.hash = formatRoute(page, query);
}

/** Changes what is chosen on this page. The way back doesn't lead through each letter of a search. */
export function choose(changes: Readonly<Record<string, string | undefined>>): void {
  const { page, query } = route.peek();
  history.replaceState(null, "", formatRoute(page, { ...query, ...changes }));
  hash.value = location.hash;
}
