import { MIDDLEWARE_KINDS, type MiddlewareKind } from "@longshore/storage";
import { z } from "zod";
import { flag, key, list, section, text, untypedMap } from "@longshore/options/declare";
import { type Shape, shapeOf } from "@longshore/options/shape";

/**
 * The options of all storage middleware together. Which of them an entry accepts depends on its name, and is checked later.
 */
function allOptions() {
  const owners = new Map<string, string[]>();
  const fields = new Map<string, Shape>();
  for (const kind of MIDDLEWARE_KINDS) {
    const shape = shapeOf(kind.section(kind.name));
    if (shape.kind !== "struct") continue;
    for (const [option, schema] of shape.fields) {
      owners.set(option, [...(owners.get(option) ?? []), `\`${kind.name}\``]);
      fields.set(option, shapeOf(schema));
    }
  }
  const shape = [...fields].map(([option, { kind, info }]) => {
    const meaning = `${owners.get(option)?.join(", ") ?? ""}: ${info?.meaning ?? ""}`;
    const undecided = kind === "text" ? z.string() : z.unknown();
    return [option, key(undecided.optional(), { type: "string", allowed: "a string", ...info, meaning })] as const;
  });
  return z.looseObject(Object.fromEntries(shape));
}

function describeKind(kind: MiddlewareKind): string {
  return `\`${kind.name}\`: ${shapeOf(kind.section(kind.name)).info?.meaning ?? ""}`;
}

const options = key(allOptions(), {
  meaning: "The middleware's options. An unknown key prevents the start.",
  type: "map",
  allowed: "a map",
  untyped: true,
  unknownKeys: "allowed",
}).optional();

const unsupported = {
  when: "enabled-entries",
  what: "middleware of this kind (nor does Distribution)",
  instead: "remove the entries or set disabled: true in each",
} as const;

function refusedList(meaning: string) {
  const entry = section(
    {
      name: text("The name of the middleware."),
      disabled: flag(false, "Disables this entry."),
      options: untypedMap("Options of the middleware."),
    },
    "A middleware.",
  );
  return list(entry, meaning, { type: "list of maps", unsupported });
}

const storageMiddleware = section(
  {
    name: text(MIDDLEWARE_KINDS.map(describeKind).join(" ")),
    disabled: flag(false, "Disables this entry. (Distribution ignores this key.)"),
    options,
  },
  "A middleware.",
);

export const middleware = section(
  {
    registry: refusedList("Middleware around the registry (Distribution has none)."),
    repository: refusedList("Middleware around repositories (Distribution has none)."),
    storage: list(
      storageMiddleware,
      "Decides where clients are redirected for blobs. If there are several, the last one is asked first; `rewrite` and `cloudfront` ask the one before.",
      { type: "list of maps" },
    ),
  },
  "Middleware.",
  { untyped: true },
).prefault({});
