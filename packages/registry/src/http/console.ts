import type { Step } from "./context.js";
import type { Route } from "./route.js";

/** The name of the route of the page's files. */
export const CONSOLE_ASSET = "console-asset";

/** The page for people, as the API sees it. */
export interface Console {
  /** Responds to browsers that ask for the page. */
  readonly page: Step;
  /** Its files, and its sessions. */
  readonly routes: readonly Route[];
}
