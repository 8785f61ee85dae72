/**
 * The path of something in a repository, below the page: `v2/team/app/blobs/…`. Every segment is encoded, so that none of them becomes
 * several, a query or a fragment. Throws RangeError for a segment that means another folder, which encoding can't prevent.
 */
export function repositoryPath(name: string, ...segments: readonly string[]): string {
  const all = ["v2", ...name.split("/"), ...segments];
  if (all.some((segment) => segment === "" || segment === "." || segment === ".."))
    throw new RangeError("a segment of the path is empty or names another folder");
  return all.map(encodeURIComponent).join("/");
}
