import { createLoginRegistrar, type ChosenAccess, type ControllerPorts } from "@longshore/auth";
import type { Chosen, Remark } from "@longshore/options/kind";
import type { ChosenRules, ChosenSource } from "./contract.js";
import type { TokenServerOptions } from "./options.js";
import { RULES_KINDS } from "./rules/kinds.js";
import { SOURCE_KINDS } from "./sources/kinds.js";

/** A token server as a configuration has chosen it. */
export interface ChosenTokenServer extends ChosenAccess {
  readonly sources: readonly ChosenSource[];
  /** Beside the list `access`, whose place among them is `accessAt`; undefined: it isn't asked. */
  readonly rules: readonly ChosenRules[];
  readonly accessAt: number | undefined;
  /** What the registry calls itself in tokens. */
  readonly service: string;
  /** Of tokens, in ms. */
  readonly lifetime: number;
  readonly keys: TokenServerOptions["keys"];
  readonly issuer: string;
  /** Whether rules apply to anonymous clients by what they match, whether or not one of the same list names them. */
  readonly anonymousRules: boolean;
  /** The labels that accounts may have; undefined: that can't be told. */
  readonly labels: ReadonlySet<string> | undefined;
}

/** Whether access control is a token server's. */
export function isTokenServer(access: ChosenAccess): access is ChosenTokenServer {
  return access.section === "tokenserver";
}

/** The name of the list of rules of the configuration itself. */
const ACCESS = "access";

/** What `tokenserver` has chosen. What can't work is among the remarks, as an error. */
export function chooseTokenServer(parsed: TokenServerOptions, hasAccess: boolean): ChosenTokenServer {
  const remarks: Remark[] = [];
  const sections = Object.values<unknown>(parsed);
  const sources = inOrder("sources", parsed.sources, chosenOf(SOURCE_KINDS, sections), remarks);
  const known = chosenOf(RULES_KINDS, sections);
  const withAccess = hasAccess ? [{ kind: ACCESS } as const, ...known] : known;
  const order = inOrder("rules", parsed.rules, withAccess, remarks);
  const rules = order.filter((each): each is ChosenRules => "open" in each);
  const accessAt = order.findIndex(({ kind }) => kind === ACCESS);
  if (sources.length === 0) {
    const message = `names no source of identities; configure one of ${SOURCE_KINDS.map(({ name }) => name).join(", ")}`;
    remarks.push({ severity: "error", path: [], message });
  }
  if (sources.some(({ kind }) => kind === "login") && !sources.some(({ kind }) => kind === "personal")) {
    const message = "needs personal beside it, which takes the tokens that a login ends with; add personal: {}";
    remarks.push({ severity: "error", path: ["login"], message });
  }
  if (order.length === 0) {
    const message = "has no rules, so that no token would grant anything; write a list access, or other rules";
    remarks.push({ severity: "error", path: [], message });
  }
  if (parsed.keys.certificate !== undefined && parsed.keys.key === undefined) {
    remarks.push({ severity: "error", path: ["keys", "key"], message: "missing; keys.certificate needs its key" });
  }
  const labels = labelsOf(sources);
  for (const { kind, groups } of rules) {
    if (groups === undefined || labels === undefined || labels.has(groups.label)) continue;
    const message = `no source of identities gives the label ${groups.label}: nobody is in a group`;
    remarks.push({ severity: "warning", path: [kind, ...groups.path], message });
  }
  for (const each of [...sources, ...rules]) remarks.push(...below(each.kind, each.remarks));
  return {
    kind: "tokenserver",
    section: "tokenserver",
    options: parsed,
    sections: [],
    withoutRules: undefined,
    usesCertificates: false,
    remarks,
    sources,
    rules,
    accessAt: accessAt < 0 ? undefined : accessAt,
    service: parsed.service,
    lifetime: parsed.lifetime,
    keys: parsed.keys,
    issuer: parsed.issuer ?? parsed.service,
    anonymousRules: parsed.anonymousrules,
    labels,
    async open(ports: ControllerPorts) {
      const { openTokenServer } = await import("./open-token-server.js");
      return openTokenServer({ ...parsed, chosenSources: sources, chosenRules: rules, accessAt }, ports);
    },
    createLogins: (clock) => createLoginRegistrar(parsed.throttle, clock),
    async verify(request) {
      const found = await Promise.all(
        [...sources, ...rules].map(async (each) => below(each.kind, await each.verify(request))),
      );
      return found.flat();
    },
  };
}

function labelsOf(sources: readonly ChosenSource[]): ReadonlySet<string> | undefined {
  const all = new Set<string>();
  for (const { labels } of sources) {
    if (labels === undefined) return undefined;
    for (const label of labels) all.add(label);
  }
  return all;
}

/** Those of the parsed sections that are of one of `kinds`, in the order of the kinds. */
function chosenOf<C extends Chosen>(
  kinds: readonly { readonly name: string; section(name: string): { readonly _zod: { readonly output: C } } }[],
  sections: readonly unknown[],
): readonly C[] {
  const isOfKind =
    (name: string) =>
    (value: unknown): value is C =>
      typeof value === "object" && value !== null && "kind" in value && value.kind === name && "open" in value;
  return kinds.flatMap(({ name }) => sections.filter(isOfKind(name)));
}

/** `chosen` in the order that `names` gives; without names, all of them. */
function inOrder<C extends { readonly kind: string }>(
  option: "sources" | "rules",
  names: readonly string[],
  chosen: readonly C[],
  remarks: Remark[],
): readonly C[] {
  if (names.length === 0) return chosen;
  const refuse = (index: number, message: string): void =>
    void remarks.push({ severity: "error", path: [option, index], message });
  const found = names.flatMap((name, index) => {
    if (names.indexOf(name) < index) refuse(index, `found ${JSON.stringify(name)} a second time`);
    const each = chosen.find(({ kind }) => kind === name);
    if (each === undefined) refuse(index, `found ${JSON.stringify(name)}, which is not configured`);
    return each === undefined ? [] : [each];
  });
  for (const { kind } of chosen) {
    if (names.includes(kind)) continue;
    const message = `doesn't name ${kind}, which is configured; name it, or remove its section`;
    remarks.push({ severity: "error", path: [option], message });
  }
  return found;
}

function below(kind: string, remarks: readonly Remark[]): readonly Remark[] {
  return remarks.map((remark) => ({ ...remark, path: [kind, ...remark.path] }));
}
