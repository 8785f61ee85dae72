import {
  isDigest,
  isStorageError,
  parseRepositoryName,
  parseTagName,
  type RepositoryName,
  type TagName,
} from "@longshore/storage";
import { isDockerHub } from "../upstream/hosts.js";
import { CopyError } from "./contract.js";

/** Where copies come from, as a command line says it. */
export interface CopySource {
  /** `https://host`, or `http://host`. */
  readonly remoteurl: string;
  /** A repository's name, or a pattern. */
  readonly repository: string;
  /** Tags, patterns of tags, or a digest. */
  readonly tags: readonly string[];
}

/** Where copies go. */
export interface CopyDestination {
  /** Another registry; undefined: this one's storage. */
  readonly remoteurl: string | undefined;
  /** The repository, or what stands before the names of several; undefined: names stay as they are. */
  readonly name: RepositoryName | undefined;
  readonly tag: TagName | undefined;
}

const SCHEME = /^(https?|docker):\/\//i;

/**
 * Reads `docker.io/library/alpine:3.*`: a host, a repository or a pattern of repositories, and tags with commas between them, patterns of
 * them, or `@` and a digest; without any, all tags. `http://` before it means no TLS. Throws {@link CopyError}.
 */
export function parseSource(text: string): CopySource {
  const { remoteurl, path } = splitHost(text);
  const isHost = remoteurl !== undefined || /^(?:localhost|[^/]*[.:][^/]*)\//.test(text);
  if (!isHost) throw new CopyError(`${quoted(text)} names no registry; write it as docker.io/library/alpine`);
  const [host = "", ...rest] = remoteurl === undefined ? text.split("/") : [remoteurl, ...path.split("/")];
  const { name, reference } = splitReference(rest.join("/"));
  if (name === "") throw new CopyError(`${quoted(text)} names no repository; ** stands for all of them`);
  const url = remoteurl ?? `https://${host}`;
  const hub = isDockerHub(new URL(url).host) && !name.includes("/") && !name.includes("*");
  return { remoteurl: url, repository: hub ? `library/${name}` : name, tags: reference ?? ["*"] };
}

/**
 * Reads `team/alpine` (a repository here), `.` (the same name here), or `https://host/team/alpine` (another registry; without a name, the
 * same), each with `:tag` if there is one. Throws {@link CopyError}.
 */
export function parseDestination(text: string): CopyDestination {
  const { remoteurl, path } = splitHost(text);
  const { name, reference = [] } = splitReference(remoteurl === undefined && text === "." ? "" : path);
  if (name === "" && remoteurl === undefined && text !== ".")
    throw new CopyError(`${quoted(text)} names no repository`);
  if (reference.length > 1) throw new CopyError(`${quoted(text)} has several tags; a destination has one or none`);
  const [tag] = reference;
  try {
    return {
      remoteurl,
      name: name === "" ? undefined : parseRepositoryName(name),
      tag: tag === undefined ? undefined : parseTagName(tag),
    };
  } catch (error) {
    if (!isStorageError(error)) throw error;
    throw new CopyError(`${quoted(text)} is no destination: ${error.message}`, { cause: error });
  }
}

function splitHost(text: string): { readonly remoteurl: string | undefined; readonly path: string } {
  const scheme = SCHEME.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return { remoteurl: undefined, path: text };
  const [host = "", ...path] = text.replace(SCHEME, "").split("/");
  const remoteurl = `${scheme === "docker" ? "https" : scheme}://${host}`;
  if (host === "" || !URL.canParse(remoteurl)) throw new CopyError(`${quoted(text)} names no host`);
  return { remoteurl, path: path.join("/") };
}

function splitReference(path: string): { readonly name: string; readonly reference?: readonly string[] } {
  const at = path.indexOf("@");
  if (at >= 0) {
    const digest = path.slice(at + 1);
    if (!isDigest(digest)) throw new CopyError(`${quoted(digest)} is no digest`);
    // As everywhere: of a tag and a digest the digest counts.
    return { name: path.slice(0, at).replace(/:[^/]*$/, ""), reference: [digest] };
  }
  const colon = path.lastIndexOf(":");
  if (colon < 0 || path.includes("/", colon)) return { name: path };
  return { name: path.slice(0, colon), reference: path.slice(colon + 1).split(",") };
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
