/** The names that clients have for Docker Hub, whose API is elsewhere. */
export const HUB_NAMES: readonly string[] = ["docker.io", "index.docker.io", "registry-1.docker.io"];

/** Docker Hub's API. */
const HUB_API = "registry-1.docker.io";

/** What Docker calls Hub where it keeps passwords. */
export const HUB_CREDENTIALS_KEY = "https://index.docker.io/v1/";

/** Whether a host (and port) means Docker Hub. */
export function isDockerHub(host: string): boolean {
  return HUB_NAMES.includes(host.toLowerCase());
}

/** The host that has the API of the registry that clients call `host`. */
export function apiHostOf(host: string): string {
  return isDockerHub(host) ? HUB_API : host;
}

/** Whether two URLs are those of one registry, reached in the same way. What a user may do at one, that user may do at the other. */
export function isSameRegistry(one: string, other: string): boolean {
  const [a, b] = [new URL(one), new URL(other)];
  return a.protocol === b.protocol && apiHostOf(a.host) === apiHostOf(b.host);
}
