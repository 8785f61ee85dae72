import type { Identity } from "@longshore/auth";
import type { ChosenSource, IdentitySource, SourcePorts, TokenSite } from "../../src/contract.js";
import { personal } from "../../src/personal-tokens/personal-kind.js";
import { sourcePorts, type RecordedLog } from "../support.js";

/** A site with one source of people, whose passwords are their names, and the source of tokens behind it. */
export interface TestSite {
  readonly source: IdentitySource;
  readonly site: TokenSite;
  readonly ports: SourcePorts & { readonly log: RecordedLog };
  /** Who there is: what the source of people says. */
  readonly people: Map<string, Identity>;
  /** Who may manage tokens of others. */
  readonly admins: Set<string>;
  /** How often the source of people was asked. */
  lookups: number;
  /** Thrown by the source of people. */
  fault: Error | undefined;
}

/** A person without labels. */
export function person(account: string, labels: Readonly<Record<string, readonly string[]>> = {}): Identity {
  return { account, labels: new Map(Object.entries(labels)) };
}

/** Opens the source of tokens within a site. */
export async function openSite({
  options = {},
  ...over
}: Partial<SourcePorts> & { readonly options?: object } = {}): Promise<TestSite> {
  const people = new Map<string, Identity>();
  const admins = new Set<string>();
  const site: TokenSite = {
    resume: () => Promise.resolve(undefined),
    sources: ["people"],
    async verify(credentials, context) {
      const login = await source.verify(credentials, context);
      if (login.outcome !== "unknown") return { login, source: source.name };
      const identity = people.get(credentials.account);
      if (identity === undefined) return { login, source: undefined };
      if (credentials.password !== credentials.account) {
        return { login: { outcome: "failed", reason: "wrong password" }, source: "people" };
      }
      return { login: { outcome: "identified", identity, renewable: true }, source: "people" };
    },
    lookup(name, account) {
      state.lookups += 1;
      if (state.fault !== undefined) return Promise.reject(state.fault);
      return Promise.resolve(name === "people" ? people.get(account) : "unsupported");
    },
    granted: (subject, { type, name, actions }) =>
      Promise.resolve(type === "registry" && name === "tokens" && admins.has(subject.account) ? actions : []),
  };
  const ports = sourcePorts({ site, ...over });
  const chosen: ChosenSource = personal.section("personal").parse(options);
  const source = await chosen.open(ports);
  const state: TestSite = { source, site, ports, people, admins, lookups: 0, fault: undefined };
  return state;
}
