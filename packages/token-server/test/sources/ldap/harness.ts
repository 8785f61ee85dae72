import { section } from "@longshore/options/declare";
import { onTestFinished } from "vitest";
import type { z } from "zod";
import type { IdentitySource, Login } from "../../../src/contract.js";
import { ldapOptions, type LdapOptions } from "../../../src/sources/ldap/ldap-options.js";
import { openLdap } from "../../../src/sources/ldap/open-ldap.js";
import { loginContext } from "../../support.js";
import { PEOPLE, READER } from "./slapd.js";

export type LdapInput = z.input<z.ZodObject<typeof ldapOptions>>;

export function optionsOf(input: Partial<LdapInput> & Pick<LdapInput, "urls">): LdapOptions {
  return section(ldapOptions, "").parse({ base: PEOPLE, ...input });
}

/** A source that searches as the reader over open connections, unless told otherwise; closed after the test. */
export async function openSource(
  input: Partial<LdapInput> & Pick<LdapInput, "urls">,
  clock: () => number = Date.now,
): Promise<IdentitySource> {
  const reader = input.userdn === undefined ? READER : {};
  const source = await openLdap(optionsOf({ starttls: false, ...reader, ...input }), clock);
  onTestFinished(() => source.close());
  return source;
}

/** Logs `account` in; its usual password is `ACCOUNT's secret`. */
export function logIn(source: IdentitySource, account: string, password = `${account}'s secret`): Promise<Login> {
  return source.verify({ account, password }, loginContext());
}

/** The account and the labels of a successful login. */
export async function labelsOf(source: IdentitySource, account: string, password?: string) {
  const login = await logIn(source, account, password);
  if (login.outcome !== "identified") throw new Error(`${account} isn't identified but ${login.outcome}`);
  return Object.fromEntries(login.identity.labels);
}
