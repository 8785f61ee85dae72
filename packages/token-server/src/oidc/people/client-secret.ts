import { AuthError } from "@longshore/auth";
import { errnoOf } from "@longshore/base/errno";
import type { Secret } from "@longshore/options/secret";
import { readFile } from "node:fs/promises";

/** The secret of a client at `provider`, of the option or the file. Throws AuthError INVALID_OPTIONS if the file can't be read. */
export async function revealSecret(
  provider: string,
  client: { readonly clientsecret?: Secret | undefined; readonly clientsecretfile?: string | undefined },
): Promise<string | undefined> {
  const { clientsecret, clientsecretfile: path } = client;
  if (path === undefined) return clientsecret?.reveal();
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    const reason = `${path} can't be read (${errnoOf(error) ?? "unknown fault"})`;
    throw new AuthError(
      { code: "INVALID_OPTIONS", path: `login.${provider}.clientsecretfile`, reason },
      { cause: error },
    );
  }
}
