import { z } from "zod";
import { ERROR_CODES } from "../../errors/codes.js";
import { ANSWERS } from "./answers.js";
import { repositoryAccess } from "../route.js";
import { MOST_ITEMS, type Needs, type Operation } from "./operation.js";

/** A JSON document. */
type Json = Readonly<Record<string, unknown>>;

/** The extension API as an OpenAPI 3.1 document. Paths are below the registry's address; `http.prefix` comes before them. */
export function openApi(operations: readonly Operation[]): Json & { readonly openapi: string } {
  const paths: Record<string, Record<string, Json>> = {};
  for (const each of operations) (paths[each.path] ??= {})[each.method.toLowerCase()] = operationObject(each);
  return {
    openapi: "3.1.0",
    info: {
      title: "Longshore's extension API",
      version: "1",
      description:
        "What the registry serves beyond the OCI Distribution specification, in the specification's extension form. It takes the credentials that pulls and pushes take: Basic, or a Bearer token whose scopes include the rights that an operation names.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    paths,
    components: {
      schemas: { ...answerSchemas(), Errors: ERRORS },
      securitySchemes: { basic: { type: "http", scheme: "basic" }, bearer: { type: "http", scheme: "bearer" } },
    },
    security: [{ basic: [] }, { bearer: [] }],
  };
}

/** The specification's error envelope (distribution-spec §Error Codes). */
const ERRORS: Json = {
  type: "object",
  required: ["errors"],
  properties: {
    errors: {
      type: "array",
      items: {
        type: "object",
        required: ["code", "message"],
        properties: {
          code: { type: "string", enum: Object.keys(ERROR_CODES) },
          message: { type: "string" },
          detail: {},
        },
      },
    },
  },
};

function answerSchemas(): Json {
  return Object.fromEntries(
    Object.entries(ANSWERS).map(([name, schema]) => {
      // OpenAPI 3.1 says which dialect all of its schemas have.
      const json = z.toJSONSchema(schema);
      delete json.$schema;
      return [name, json];
    }),
  );
}

function scope(method: string, repository: string, more: readonly string[] = []): string {
  const actions = [...more, ...repositoryAccess(method, "", undefined).map(({ action }) => action)];
  return `\`repository:<${repository}>:${actions.join(",")}\``;
}

const NEEDS: Readonly<Record<Needs, (method: string) => string>> = {
  login: () => "Needs a login where the registry has logins.",
  catalog: () => "Needs `registry:catalog:*`; lists only what the caller may pull.",
  maintenance: () => "Needs `registry:maintenance:*`.",
  repository: (method) => `Needs ${scope(method, "name")}.`,
  tags: (method) => `Needs ${scope(method, "name", method === "DELETE" ? ["pull"] : [])}.`,
  move: (method) => `Needs ${scope(method, "name")}, and ${scope("GET", "from")} and ${scope("DELETE", "from")}.`,
};

function operationObject({
  id,
  method,
  path,
  summary,
  details,
  needs,
  parameters,
  status,
  answer,
  media,
}: Operation): Json {
  return {
    operationId: id,
    summary,
    description: [details, NEEDS[needs](method)].filter((part) => part !== undefined).join(" "),
    parameters: [...pathParameters(path), ...Object.entries(parameters).map(queryParameter)],
    responses: {
      [status]: {
        description: "Success",
        content: { [media ?? "application/json"]: { schema: { $ref: `#/components/schemas/${answer}` } } },
      },
      default: {
        description: "Refused or failed",
        content: { "application/json": { schema: { $ref: "#/components/schemas/Errors" } } },
      },
    },
  };
}

const PATH_PARAMETERS: Readonly<Record<string, string>> = {
  name: "A repository. Its slashes aren't encoded.",
  reference: "A tag or a digest.",
  digest: "A digest.",
  uuid: "An id from an earlier answer.",
};

function pathParameters(path: string): readonly Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => ({
    name,
    in: "path",
    required: true,
    description: PATH_PARAMETERS[name],
    schema: { type: "string" },
  }));
}

function queryParameter([name, { kind, meaning, isRequired }]: [string, Operation["parameters"][string]]): Json {
  return { name, in: "query", required: isRequired === true, description: meaning, schema: valueSchema(kind) };
}

function valueSchema(kind: Operation["parameters"][string]["kind"]): Json {
  if (kind === "flag") return { type: "boolean" };
  if (kind === "count") return { type: "integer", minimum: 0, maximum: MOST_ITEMS };
  return kind === "text" ? { type: "string" } : { type: "string", enum: kind };
}
