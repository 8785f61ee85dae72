import type { Exchange } from "../../exchange.js";
import type { Operation } from "../operation.js";
import { answer } from "./answer.js";

const DOCUMENTATION = {
  _oci: {
    description: "Extensions of this registry",
    url: "https://github.com/opencontainers/distribution-spec/blob/main/extensions/_oci.md",
  },
  _longshore: {
    description: "Details, deletion and maintenance; the document at _longshore/api/openapi describes each endpoint",
    url: "https://github.com/opencontainers/distribution-spec/blob/main/extensions/README.md",
  },
};

/** `GET /v2/_oci/ext/discover`, of the registry or of one repository (distribution-spec extensions/_oci.md). */
export function discover(exchange: Exchange, operations: readonly Operation[]): Promise<void> {
  const prefix = exchange.name === "" ? "/v2/" : "/v2/{name}/";
  const paths = [...new Set(operations.map(({ path }) => path))]
    .filter((path) => path.startsWith(`${prefix}_`))
    .map((path) => path.slice(prefix.length));
  const extensions = Object.entries(DOCUMENTATION).map(([name, about]) => ({
    name,
    ...about,
    endpoints: paths.filter((path) => path.startsWith(`${name}/`)),
  }));
  answer<"Extensions">(exchange, 200, { extensions });
  return Promise.resolve();
}
