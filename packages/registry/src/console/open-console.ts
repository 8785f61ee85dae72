import type { AccessController, Clock, Records } from "@longshore/auth";
import type { ConsoleConfig, HttpConfig } from "../config/config.js";
import type { Console } from "../http/console.js";
import type { Log } from "../observability/log.js";
import { builtPage, pageInFolder } from "./built-page.js";
import { createPage } from "./page/page.js";
import { withSessions } from "./sessions/session-access.js";
import { sessionRoute } from "./sessions/session-pages.js";
import { openSessions } from "./sessions/sessions.js";

/** What {@link openConsole} works with. */
export interface ConsoleOptions {
  readonly config: { readonly console: ConsoleConfig; readonly http: Pick<HttpConfig, "prefix" | "headers"> };
  readonly access: AccessController;
  readonly records: Records;
  /** `http.secret`. */
  readonly secret: string;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  /** What the page was built to; by default, where its package has it. */
  readonly folder?: string | undefined;
}

/** The page, and access control that knows whom it is shown to. */
export interface OpenConsole {
  readonly console: Console;
  readonly access: AccessController;
}

/** Opens the registry's page. Nothing is read before somebody asks for it. */
export function openConsole(options: ConsoleOptions): OpenConsole {
  const { config, access, records, secret, version, clock, log, folder } = options;
  const { path: routePath, sessionlifetime: lifetime } = config.console;
  const sessions = openSessions({ records, secret, lifetime, clock });
  const { page, asset } = createPage({
    path: `${config.http.prefix.replace(/\/+$/, "")}${routePath}`,
    routePath,
    built: folder === undefined ? builtPage() : pageInFolder(folder),
    headers: Object.entries(config.http.headers).flatMap(([name, values]) => values.flatMap((value) => [name, value])),
    connect: realmOrigins(access),
    log,
  });
  return {
    console: { page, routes: [asset, sessionRoute({ access, sessions, lifetime, routePath, version })] },
    access: withSessions({ access, sessions, lifetime, path: routePath }),
  };
}

/** The servers that the page may ask for tokens. */
function realmOrigins({ ways = [] }: AccessController): readonly string[] {
  return ways.flatMap((way) => {
    if (way.kind !== "realm" || !URL.canParse(way.realm)) return [];
    const { protocol, origin } = new URL(way.realm);
    return protocol === "https:" || protocol === "http:" ? [origin] : [];
  });
}
