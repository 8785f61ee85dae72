import { root } from "@longshore/registry";
import { SECRET_NAME, type Shape, shapeOf, variablePart } from "@longshore/options/shape";

type Schema = Parameters<typeof shapeOf>[0];

/** What the chart has to know of the configuration's keys, so that no secret gets into its ConfigMap. */
interface SecretKeys {
  /** What names that sound like secrets contain. */
  readonly names: string;
  /** The variables of all keys that are secrets; empty where a variable can't reach a key. */
  readonly secrets: Readonly<Record<string, string>>;
  /** The right names of secrets that other software calls otherwise. */
  readonly misspelt: Readonly<Record<string, string>>;
  /** Keys that only sound like secrets, and maps whose keys are anyone's words. */
  readonly harmless: readonly string[];
  /** Sections that are looked into, whatever their names sound like. */
  readonly sections: readonly string[];
}

interface Place {
  /** With `*` for an entry of a list and any key of a map. */
  readonly pattern: readonly string[];
  /** The parts of its variable; undefined where there is none. */
  readonly variable: readonly string[] | undefined;
}

/** Reads them off the schema. A key that sounds like a secret and isn't declared as one counts as one, unless it names a file. */
export function secretKeys(): SecretKeys {
  const secrets: Record<string, string> = {};
  const misspelt: Record<string, string> = {};
  const harmless: string[] = [];
  const sections: string[] = [];

  const visit = (schema: Schema, place: Place): void => {
    const shape = shapeOf(schema);
    const pattern = place.pattern.join(".");
    const name = place.pattern.at(-1) ?? "";
    const sounds = SECRET_NAME.test(name);
    if (shape.info?.secret === true || (sounds && mayHoldSecret(name, shape))) {
      secrets[pattern] = place.variable === undefined ? "" : ["REGISTRY", ...place.variable].join("_");
      for (const alias of shape.info?.aliases ?? []) misspelt[[...place.pattern.slice(0, -1), alias].join(".")] = name;
      return;
    }
    if (shape.kind === "struct") {
      if (sounds) sections.push(pattern);
      for (const [key, field] of shape.fields) visit(field, below(place, key, variablePart(key, field)));
    } else if (shape.kind === "list") {
      visit(shape.item, below(place, "*", "*"));
    } else if (shape.kind === "map") {
      const { kind } = shapeOf(shape.value);
      if (kind === "struct") {
        const entry = below(place, "*", undefined);
        sections.push(entry.pattern.join("."));
        visit(shape.value, entry);
        // Claims are named by whoever makes tokens; other maps of anything are options, whose names mean what they say.
      } else if (kind !== "any" || name === "claims") harmless.push(pattern);
    } else if (sounds) {
      harmless.push(pattern);
    }
  };
  visit(root, { pattern: [], variable: [] });
  return { names: SECRET_NAME.source, secrets, misspelt, harmless, sections };
}

function mayHoldSecret(name: string, { kind }: Shape): boolean {
  return (kind === "text" || kind === "any") && !name.endsWith("file") && name !== "htpasswd";
}

function below({ pattern, variable }: Place, key: string, part: string | undefined): Place {
  const isReachable = variable !== undefined && part !== undefined && !part.includes("_");
  return { pattern: [...pattern, key], variable: isReachable ? [...variable, part] : undefined };
}
