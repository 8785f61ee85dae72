import { isRepositoryName, type RepositoryName } from "@longshore/storage";
import type { MirroredUpstream } from "./contract.js";
import { NotMirroredError } from "./errors.js";
import { HUB_NAMES, isDockerHub } from "./upstream/hosts.js";

/** Where a repository's content comes from. */
export interface Route {
  readonly upstream: MirroredUpstream;
  /** Its name here. */
  readonly name: RepositoryName;
  /** Its name at the upstream. */
  readonly remote: RepositoryName;
}

/** Which repository comes from where. */
export interface Routing {
  readonly upstreams: readonly MirroredUpstream[];
  /** Undefined: the repository is one of our own. Throws {@link NotMirroredError} where its upstream may not be asked for it. */
  routeOf(name: RepositoryName): Route | undefined;
  /** What the repository `remote` of `upstream` is called here; undefined where it isn't mirrored. */
  nameOf(upstream: MirroredUpstream, remote: RepositoryName): RepositoryName | undefined;
  /**
   * The repository that a client means which asks for `name` with containerd's `ns` parameter, if it sends one. An `ns` that is
   * neither an upstream nor this registry becomes a part of the name: what is called `name` here is something else.
   */
  nameFor(name: string, namespace: string | undefined): string;
}

/** The names that clients have for the registry at `host`. */
export function hostsOf(host: string): readonly string[] {
  return isDockerHub(host) ? HUB_NAMES : [host.toLowerCase()];
}

/** `ownHosts`: names of this registry itself, by which mirrors of it are asked. */
export function createRouting(upstreams: readonly MirroredUpstream[], ownHosts: readonly string[]): Routing {
  // The longest prefix first: `ghcr.io/org` may be another upstream than `ghcr.io`.
  const byPrefix = [...upstreams].sort((a, b) => b.prefix.length - a.prefix.length);
  const single = byPrefix.find(({ prefix }) => prefix === "");
  const own = new Set(ownHosts.map((host) => host.toLowerCase()));

  const upstreamOf = (name: string): MirroredUpstream | undefined =>
    byPrefix.find(({ prefix }) => prefix === "" || name.startsWith(`${prefix}/`));

  const canonical = (name: string): string => {
    const upstream = upstreamOf(name);
    if (upstream?.isHub !== true) return name;
    const remote = withoutPrefix(name, upstream);
    return remote === "" || remote.includes("/") ? name : withPrefix(`library/${remote}`, upstream);
  };

  return {
    upstreams,
    routeOf: (name) => {
      const upstream = upstreamOf(name);
      if (upstream === undefined) return undefined;
      const remote = withoutPrefix(name, upstream);
      if (!isRepositoryName(remote)) return undefined;
      if (!isAllowed(upstream, remote)) throw new NotMirroredError(name);
      return { upstream, name, remote };
    },
    nameOf: (upstream, remote) => {
      const name = canonical(withPrefix(remote, upstream));
      // Below a longer prefix it is another upstream's.
      if (!isRepositoryName(name) || upstreamOf(name) !== upstream) return undefined;
      return isAllowed(upstream, withoutPrefix(name, upstream)) ? name : undefined;
    },
    nameFor: (name, namespace) => {
      // As Distribution: where everything comes from one upstream, the parameter says nothing.
      if (namespace === undefined || single !== undefined) return canonical(name);
      const host = namespace.toLowerCase();
      const upstream = upstreams.find(({ hosts }) => hosts.includes(host));
      if (upstream !== undefined) return canonical(withPrefix(name, upstream));
      if (own.has(host)) return canonical(name);
      return `${host}/${name}`;
    },
  };
}

function isAllowed({ allow, deny }: MirroredUpstream, remote: string): boolean {
  const isWanted = allow.length === 0 || allow.some((pattern) => pattern.test(remote));
  return isWanted && !deny.some((pattern) => pattern.test(remote));
}

function withPrefix(name: string, { prefix }: MirroredUpstream): string {
  return prefix === "" ? name : `${prefix}/${name}`;
}

function withoutPrefix(name: string, { prefix }: MirroredUpstream): string {
  return prefix === "" ? name : name.slice(prefix.length + 1);
}
