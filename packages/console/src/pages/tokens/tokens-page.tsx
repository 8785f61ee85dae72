import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import "../../style/tokens.css";
import { listTokens, type NewToken, type Token, type TokenList } from "../../api/tokens.js";
import { Choice } from "../../parts/choice.js";
import { FailureNotice } from "../../parts/failure-notice.js";
import { SearchField } from "../../parts/search-field.js";
import { SkeletonRows } from "../../parts/skeleton.js";
import { useResource } from "../../state/resource.js";
import { choose, route } from "../../state/route.js";
import { currentSession } from "../../state/session.js";
import { texts } from "../../text/index.js";
import { LoginPage } from "../login/login-page.js";
import { CreateToken } from "./create-token.js";
import { CreatedToken } from "./created-token.js";
import { NoTokens } from "./no-tokens.js";
import { RevokeToken } from "./revoke-token.js";
import { TokenTable } from "./token-table.js";

const words = texts.tokens;
/** With fewer, nobody needs to search. */
const MANY = 8;

/** Personal access tokens and robots: what there are, new ones, and an end to those that aren't needed. */
export function TokensPage(): JSX.Element {
  const session = currentSession();
  if (session?.features.tokens !== true) return <NoTokens />;
  return session.account === undefined ? <LoginPage /> : <Tokens account={session.account} />;
}

function Tokens({ account }: { readonly account: string }): JSX.Element {
  const { query } = route.value;
  const isAdmin = currentSession()?.rights.tokens === true;
  const isAll = isAdmin && query["whose"] === "all";
  const isCreating = useSignal(false);
  // The one place where a token's text is: gone with the dialogue.
  const created = useSignal<NewToken | undefined>(undefined);
  const revoked = useSignal<Token | string | undefined>(undefined);
  const { resource, reload } = useResource(String(isAll), (signal) => listTokens(isAll, signal));
  const { value } = resource;
  return (
    <section>
      <div class="page-head">
        <h1>{texts.pages.tokens}</h1>
        <button type="button" class="button strong end" onClick={() => (isCreating.value = true)}>
          {words.create}
        </button>
      </div>
      <p class="lead measure">{words.lead}</p>
      {isAdmin && (
        <Choice
          label={words.whose}
          options={[
            { value: "own", label: words.own },
            { value: "all", label: words.all },
          ]}
          value={isAll ? "all" : "own"}
          onChange={(whose) => choose({ whose: whose === "own" ? undefined : whose, search: undefined })}
        />
      )}
      {value.state === "loading" && <SkeletonRows count={4} />}
      {value.state === "failed" && <FailureNotice failure={value.failure} retry={reload} />}
      {value.state === "done" && (
        <Found
          list={value.value}
          hasAccounts={isAll}
          search={query["search"] ?? ""}
          onRevoke={(token) => (revoked.value = token)}
        />
      )}
      {isCreating.value && (
        <CreateToken
          account={account}
          canMakeRobots={isAdmin}
          onClose={(token) => {
            isCreating.value = false;
            if (token === undefined) return;
            created.value = token;
            // A robot's is among everybody's.
            if (token.robot && !isAll) choose({ whose: "all", search: undefined });
            reload();
          }}
        />
      )}
      {created.value !== undefined && (
        <CreatedToken token={created.value} onClose={() => (created.value = undefined)} />
      )}
      {revoked.value !== undefined && (
        <RevokeToken
          token={revoked.value}
          onClose={(isRevoked) => {
            revoked.value = undefined;
            if (isRevoked) reload();
          }}
        />
      )}
    </section>
  );
}

function Found({
  list: { tokens, damaged, isCut },
  hasAccounts,
  search,
  onRevoke,
}: {
  readonly list: TokenList;
  readonly hasAccounts: boolean;
  readonly search: string;
  readonly onRevoke: (token: Token | string) => void;
}): JSX.Element {
  const wanted = search.toLowerCase();
  const shown = tokens
    .filter(({ name, account }) => `${name} ${account}`.toLowerCase().includes(wanted))
    .sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
  return (
    <>
      {(tokens.length > MANY || search !== "") && (
        <div class="token-search">
          <SearchField label={words.search} value={search} onInput={(next) => choose({ search: next })} />
        </div>
      )}
      {isCut && <p class="quiet">{words.cut(tokens.length)}</p>}
      {tokens.length === 0 && damaged.length === 0 && <p class="nothing quiet">{words.none}</p>}
      {tokens.length > 0 && shown.length === 0 && <p class="nothing quiet">{words.nothing(search)}</p>}
      {shown.length > 0 && <TokenTable tokens={shown} hasAccounts={hasAccounts} onRevoke={onRevoke} />}
      {damaged.length > 0 && (
        <section class="damaged">
          <h2>{words.damaged}</h2>
          <p class="quiet">{words.damagedHint}</p>
          <ul>
            {damaged.map((id) => (
              <li key={id}>
                <code>{id}</code>{" "}
                <button type="button" class="button" onClick={() => onRevoke(id)}>
                  {words.revoke}
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}
