import type { z } from "zod";
import { choice, key, section, type KeyInfo } from "./declare.js";
import type { Path } from "./report.js";

/** A finding about an option, by the option's path within the section of its kind. Never holds a secret. */
export interface Remark {
  /** An error keeps the registry from starting, or would. */
  readonly severity: "error" | "warning";
  readonly path: Path;
  /** What is wrong and what to do. */
  readonly message: string;
}

/** What `registry verify` and the start may check beyond the configuration file itself. */
export interface VerifyRequest {
  /** Whether services may be contacted, not only files on this machine. */
  readonly remote: boolean;
  /** How long a service may take to answer (ms). */
  readonly patience: number;
  readonly now: Date;
}

/** What a configuration has chosen among kinds of one sort, such as a storage driver, with its options parsed and checked. */
export interface Chosen {
  /** The kind's own name, whatever alias the configuration uses. */
  readonly kind: string;
  /** The options as they were declared and parsed; secrets are in a Secret. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Findings about what is allowed but hardly intended. */
  readonly remarks: readonly Remark[];
  /** Tries what the options name, without changing anything. */
  verify(request: VerifyRequest): Promise<readonly Remark[]>;
}

/** A sort of thing that a configuration can choose by name: declared once, by its implementation, and listed once. */
export interface Kind<C extends Chosen> {
  readonly name: string;
  /** Other names of the same kind. */
  readonly aliases: readonly string[];
  /** The schema of the section that is called `called`; it parses to what was chosen. */
  section(called: string): z.ZodType<C>;
}

/** What an implementation declares about itself. `X` is what its sort adds to {@link Chosen}. */
export interface KindDeclaration<S extends z.ZodRawShape, X> {
  readonly name: string;
  readonly aliases?: readonly string[];
  /** Documentation of the section. */
  readonly meaning: string;
  readonly options: S;
  readonly info?: Partial<KeyInfo>;
  /** Binds the options; problems between several of them are reported with {@link refuse}. */
  choose(options: z.output<z.ZodObject<S>>, context: z.core.$RefinementCtx): X & Partial<Chosen>;
}

/** Makes a kind from its declaration. Options keep the spelling of the configuration all the way to the implementation. */
export function declareKind<S extends z.ZodRawShape, X extends object>(
  declaration: KindDeclaration<S, X>,
): Kind<Chosen & X> {
  const { name, aliases = [], meaning, options, info = { untyped: true } } = declaration;
  return {
    name,
    aliases,
    section(called) {
      const text = called === name ? meaning : `Another name of \`${name}\`.`;
      const schema = section(options, text, info).transform((value, context) => ({
        kind: name,
        options: value,
        remarks: [],
        verify: () => Promise.resolve([]),
        ...declaration.choose(value, context),
      }));
      return key(schema, { meaning: text, type: "map", allowed: "a map", ...info });
    },
  };
}

/** Reports a problem between several options; the message is shown as it is. */
export function refuse(context: z.core.$RefinementCtx, option: string, message: string): void {
  context.addIssue({ code: "custom", path: [option], message, params: { explained: true } });
}

/** The kind with this name or alias. */
export function findKind<K extends { readonly name: string; readonly aliases: readonly string[] }>(
  kinds: readonly K[],
  name: string,
): K | undefined {
  return kinds.find((kind) => kind.name === name || kind.aliases.includes(name));
}

/** Every name under which one of `kinds` can be chosen, with its kind. */
export function namesOf<K extends { readonly name: string; readonly aliases: readonly string[] }>(
  kinds: readonly K[],
): ReadonlyMap<string, K> {
  return new Map(kinds.flatMap((kind) => [kind.name, ...kind.aliases].map((name) => [name, kind] as const)));
}

/** Something that a configuration chooses by name alone, without options of its own. */
interface NamedKind {
  readonly name: string;
  /** What it is, after its name (Markdown). */
  readonly meaning: string;
}

/** One of `kinds` by its name, as {@link choice} reads it; `meaning` and those of the kinds are its documentation. */
export function choiceOf<const K extends readonly [NamedKind, ...NamedKind[]]>(
  kinds: K,
  fallback: K[number]["name"],
  meaning: string,
  extra: Partial<KeyInfo> = {},
) {
  const [first, ...others] = kinds;
  const names: readonly [K[number]["name"], ...K[number]["name"][]] = [first.name, ...others.map(({ name }) => name)];
  return choice(names, fallback, `${meaning} ${describeKinds(kinds)}`, extra);
}

/** A sentence of documentation for each of `kinds`. */
export function describeKinds(kinds: readonly NamedKind[]): string {
  return kinds.map(({ name, meaning }) => `\`${name}\`: ${meaning}.`).join(" ");
}
