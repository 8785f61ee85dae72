import { ApiError } from "../../errors/api-error.js";
import { refuseForeignPage } from "../cors/foreign-page.js";
import type { Exchange } from "../exchange.js";
import { parseCount } from "../headers/pagination.js";
import type { Handler } from "../route.js";
import type { AnswerName } from "./answers.js";

/** What a query parameter may be: any text, how many items a page has, `true` or `false`, or one of a list. */
type ParameterKind = "text" | "count" | "flag" | readonly string[];

/** A query parameter. */
interface Parameter {
  readonly kind: ParameterKind;
  /** For the documentation. */
  readonly meaning: string;
  readonly isRequired?: true;
}

type Parameters = Readonly<Record<string, Parameter>>;

type ValueOf<P extends Parameter> =
  | (P["kind"] extends "count"
      ? number
      : P["kind"] extends "flag"
        ? boolean
        : P["kind"] extends readonly (infer V)[]
          ? V
          : string)
  | (P["isRequired"] extends true ? never : undefined);

/** The values of a request's parameters. */
export type QueryOf<P extends Parameters> = { readonly [N in keyof P]: ValueOf<P[N]> };

/**
 * What an operation needs: valid credentials, the catalog's access, the right to run what concerns all repositories, or the access to
 * the repository that its method needs elsewhere, too; for tags also the right to pull, since deleting them shows them; for a move
 * also the right to delete where it is from.
 */
export type Needs = "login" | "catalog" | "maintenance" | "repository" | "tags" | "move";

/** What the documentation says about an operation, and where it is served. */
interface Description {
  /** Unique, in camel case: `listTags`. */
  readonly id: string;
  readonly method: "GET" | "POST" | "DELETE";
  /** As in {@link Route.path}. */
  readonly path: string;
  /** One sentence. */
  readonly summary: string;
  /** What else a caller has to know. */
  readonly details?: string;
  readonly needs: Needs;
  /** The status and the schema of success. */
  readonly status: 200 | 201 | 202;
  readonly answer: AnswerName;
  /** Of what comes; JSON by default. `text/event-stream`: each event has the answer's schema. */
  readonly media?: "text/event-stream";
}

/** An operation of the extension API: everything but how it works, which is loaded when it is first called. */
export interface Operation extends Description {
  readonly parameters: Parameters;
  readonly handle: Handler;
}

/** The most items of a page. */
export const MOST_ITEMS = 1000;

/** Declares an operation. `load` imports what it does. */
export function operation<P extends Parameters>(
  description: Description & { readonly parameters: P },
  load: () => Promise<(exchange: Exchange, query: QueryOf<P>) => Promise<void>>,
): Operation {
  return {
    ...description,
    async handle(exchange) {
      if (description.method === "POST") refuseForeignPage(exchange);
      const query = readQuery(exchange, description.parameters);
      const run = await load();
      await run(exchange, query);
    },
  };
}

/** Understood by every route, beside its own parameters: the registry that a client of a pull-through cache means. */
const NAMESPACE = "ns";

/** The parameters of a request. Throws PARAMETER_INVALID, and PAGINATION_NUMBER_INVALID for a `count`. */
function readQuery<P extends Parameters>(exchange: Exchange, parameters: P): QueryOf<P> {
  for (const name of exchange.query.keys()) {
    if (!(name in parameters) && name !== NAMESPACE) {
      const known = Object.keys(parameters);
      const knows = known.length === 0 ? "it has none" : `it has ${known.join(", ")}`;
      throw invalid(`there is no parameter ${JSON.stringify(name)}: ${knows}`);
    }
  }
  const values = Object.entries(parameters).map(([name, parameter]) => [name, valueOf(exchange, name, parameter)]);
  return Object.fromEntries(values) as QueryOf<P>;
}

function valueOf(
  exchange: Exchange,
  name: string,
  { kind, isRequired }: Parameter,
): string | number | boolean | undefined {
  const text = exchange.parameter(name);
  if (text === undefined) {
    if (isRequired === true) throw invalid(`the parameter ${name} is missing`);
    return undefined;
  }
  if (kind === "text") return text;
  if (kind === "count") return parseCount(text, MOST_ITEMS, "text");
  if (kind === "flag") {
    if (text === "true" || text === "false") return text === "true";
    throw invalid(`${name} must be true or false`);
  }
  if (kind.includes(text)) return text;
  throw invalid(`${name} must be one of ${kind.join(", ")}`);
}

/** A parameter that can't be used; `detail` says why. */
export function invalid(detail: string): ApiError {
  return new ApiError("PARAMETER_INVALID", { detail });
}
