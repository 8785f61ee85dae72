import type { RepositoryName } from "@longshore/storage";
import type { Config } from "./config.js";

/** Whether the repository is one of the pull-through cache's, which fetches on demand what it lacks. */
export function isMirrored({ proxy }: Pick<Config, "proxy">, name: RepositoryName): boolean {
  return proxy?.upstreams.some(({ prefix }) => prefix === "" || name.startsWith(`${prefix}/`)) === true;
}
