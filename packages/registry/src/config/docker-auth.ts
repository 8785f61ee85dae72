import {
  convertDockerAuth,
  followFile,
  type AccessOfText,
  type Conversion,
  type DockerAuthFinding,
  type Surroundings,
} from "@longshore/token-server";
import { accessSync, constants } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { stringify } from "yaml";
import { error, type Finding, formatFinding, warning } from "./findings.js";
import { type LoadInput, loadConfig, type Loaded } from "./load.js";
import type { Source } from "./yaml/tree.js";

/** How a docker_auth file is read in place of a configuration of the registry. */
export interface DockerAuthOptions extends Pick<Surroundings, "folder"> {
  /** Where tokens are kept; undefined: in memory. */
  readonly state: string | undefined;
}

/** Loads a docker_auth file. Its access control follows the file from then on. */
export function loadDockerAuth(input: LoadInput, options: DockerAuthOptions): Loaded {
  const { loaded, rest } = loadText(input, options);
  if (loaded.config === undefined) return loaded;
  const { config } = loaded;
  const load = (text: string): AccessOfText => {
    const next = loadText({ ...input, text }, options);
    if (next.loaded.config === undefined) throw new Error(next.loaded.errors.map(formatFinding).join("; "));
    return { auth: next.loaded.config.auth, rules: next.loaded.config.access, rest: next.rest };
  };
  const file = { path: input.file, text: input.text, rest, load };
  return { ...loaded, config: { ...config, auth: followFile(config.auth, file) } };
}

function loadText(input: LoadInput, { state, folder: programs }: DockerAuthOptions): { loaded: Loaded; rest: string } {
  const findCommand = (command: string): string => pathOf(command, programs, input.environment["PATH"] ?? "");
  const conversion = convertDockerAuth(input.text, { findCommand, folder: programs });
  const { problems, warnings } = conversion;
  const said = [
    ...problems.map((each) => error([], sourceOf(each, input), each.message)),
    ...warnings.map((each) => warning([], sourceOf(each, input), each.message)),
  ];
  const isError = ({ severity }: Finding): boolean => severity === "error";
  if (conversion.config === undefined) {
    const errors = said.filter(isError);
    return { loaded: { config: undefined, errors, warnings: said.filter((each) => !isError(each)) }, rest: "" };
  }
  const folder = state ?? conversion.state;
  if (conversion.needsState && folder === undefined) {
    const message = "people's tokens are kept in a folder here; say in which: --state /var/lib/token-server";
    return { loaded: { config: undefined, errors: [error([], undefined, message)], warnings: said }, rest: "" };
  }
  const driver = folder === undefined ? { inmemory: {} } : { filesystem: { rootdirectory: folder } };
  // Whoever may push to the registries that trust it has a token for this one, too: nothing can be stored here.
  const storage = { ...driver, maintenance: { readonly: { enabled: true } } };
  const text = stringify({ version: "0.1", storage, ...conversion.config });
  const loaded = loadConfig({ ...input, text });
  const place = (findings: readonly Finding[]): Finding[] => findings.map((each) => inFile(each, conversion, input));
  const all = [...said, ...place(loaded.warnings)];
  return {
    rest: JSON.stringify(conversion.config["http"]),
    loaded:
      loaded.config === undefined
        ? { ...loaded, errors: place(loaded.errors), warnings: all }
        : { ...loaded, warnings: all, sourceOf: (path) => sourceOf(conversion.locate(path), input) },
  };
}

/** The whole path of a program, which docker_auth's file may call by a relative one, or by its name alone. */
function pathOf(command: string, folder: string, search: string): string {
  if (command.includes("/")) return resolve(folder, command);
  const found = search.split(delimiter).map((directory) => join(directory, command));
  return found.find(isExecutable) ?? command;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function sourceOf({ line }: Pick<DockerAuthFinding, "line">, { file }: LoadInput): Source {
  return { origin: "file", file, line, column: 1 };
}

/** A finding about the configuration that was made, as one about the file that it was made from. */
function inFile(finding: Finding, { locate }: Conversion, input: LoadInput): Finding {
  if (finding.source?.origin === "environment") return finding;
  const { place, line } = locate(finding.path);
  return { ...finding, path: place, source: sourceOf({ line }, input) };
}
