import type { ArtifactKind } from "./artifact.js";
import { formatReference, isReference, type Reference } from "./route.js";

export const CLIENTS = ["docker", "podman", "containerd", "helm", "oras", "crane"] as const;
export type Client = (typeof CLIENTS)[number];

/** A host as a URL has it, with its port. */
const ADDRESS = /^[\w.:[\]-]+$/;

/** The clients that can do something with an artifact, the usual one first. */
export function clientsFor(kind: ArtifactKind): readonly [Client, ...Client[]] {
  if (kind === "image") return ["docker", "podman", "containerd", "crane", "oras"];
  return kind === "helm" ? ["helm", "oras"] : ["oras", "crane"];
}

/**
 * The command that pulls `reference` from the registry at `address`; `isPlain` where it is reached without HTTPS. It is pasted into shells:
 * throws RangeError for what isn't a reference or the address of a host.
 */
export function pullCommand(client: Client, address: string, reference: Reference, isPlain: boolean): string {
  if (!isReference(reference) || !ADDRESS.test(address))
    throw new RangeError("there is no command for such a reference");
  const full = `${address}/${formatReference(reference)}`;
  switch (client) {
    case "docker":
      return `docker pull ${full}`;
    case "podman":
      return `podman pull ${isPlain ? "--tls-verify=false " : ""}${full}`;
    case "containerd":
      return `ctr image pull ${isPlain ? "--plain-http " : ""}${full}`;
    case "helm":
      return helmCommand(address, reference, isPlain);
    case "oras":
      return `oras pull ${isPlain ? "--plain-http " : ""}${full}`;
    case "crane":
      return `crane pull ${isPlain ? "--insecure " : ""}${full} ${fileNameOf(reference)}.tar`;
  }
}

/** Charts have their version in a tag; `+` isn't allowed there, and Helm writes `_` for it. */
function helmCommand(address: string, { name, tag, digest }: Reference, isPlain: boolean): string {
  const flag = isPlain ? " --plain-http" : "";
  if (tag === undefined) return `helm pull oci://${address}/${name}@${digest ?? ""}${flag}`;
  return `helm pull oci://${address}/${name} --version ${tag.replaceAll("_", "+")}${flag}`;
}

function fileNameOf({ name }: Reference): string {
  return name.slice(name.lastIndexOf("/") + 1);
}
