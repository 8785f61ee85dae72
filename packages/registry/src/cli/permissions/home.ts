import { join } from "node:path";
import type { Environment } from "../../config/environment.js";
import type { NamedFile } from "../../config/named-files.js";

/** Where the libraries of the cloud storages look for credentials below the home directory. */
const CREDENTIALS = [".aws/config", ".aws/credentials", ".config/gcloud/application_default_credentials.json"];

/** What libraries read without being told by the configuration: files that variables name, and credentials at home. */
export function homeFiles(environment: Environment): readonly NamedFile[] {
  const { HOME: home, ...others } = environment;
  const named = Object.entries(others).filter(([name]) => /_(?:FILE|PATH|CERTS?|CREDENTIALS)$/.test(name));
  const files = named.map(([key, value = ""]) => ({ key, name: value, use: "read" as const }));
  const below = home === undefined ? [] : CREDENTIALS.map((name) => join(home, name));
  return [
    ...files.filter(({ name }) => name.startsWith("/")),
    ...below.map((name) => ({ key: "HOME", name, use: "read" as const })),
  ];
}
