import type { JSX } from "preact";
import { Command } from "../../parts/copy.js";
import { currentSession } from "../../state/session.js";
import { texts } from "../../text/index.js";

const words = texts.tokens.absent;

/** Why this registry has no tokens to make, and what it would need. */
export function NoTokens(): JSX.Element {
  const ways = currentSession()?.logins ?? [];
  const realm = ways.find(({ kind }) => kind === "realm")?.realm;
  const why = realm !== undefined ? words.realm(realm) : ways.length === 0 ? words.open : words.passwords;
  return (
    <section class="notice">
      <h1>{texts.pages.tokens}</h1>
      <p>{why}</p>
      {realm === undefined && (
        <>
          <p class="no-tokens">{words.how}</p>
          <Command
            value={
              "tokenserver:\n  service: registry.example\n  local: { htpasswd: /etc/registry/htpasswd }\n  personal: {}"
            }
            what={words.setting}
          />
        </>
      )}
    </section>
  );
}
