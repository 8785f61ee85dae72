import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { Token } from "../../api/tokens.js";
import { formatUntil, parseTime } from "../../lib/time.js";
import { Time } from "../../parts/values.js";
import { now } from "../../state/clock.js";
import { texts } from "../../text/index.js";

const words = texts.tokens;
/** So many rows are shown at a time, and so many scopes in each. */
const ROWS = 100;
const SCOPES = 3;

/** Tokens with what they are good for, how long, and when they were last used. */
export function TokenTable({
  tokens,
  hasAccounts,
  onRevoke,
}: {
  readonly tokens: readonly Token[];
  readonly hasAccounts: boolean;
  readonly onRevoke: (token: Token) => void;
}): JSX.Element {
  const shown = useSignal(ROWS);
  return (
    <>
      <table class="tokens">
        <thead>
          <tr>
            <th scope="col">{words.name}</th>
            {hasAccounts && <th scope="col">{words.account}</th>}
            <th scope="col">{words.may}</th>
            <th scope="col">{words.created}</th>
            <th scope="col">{words.used}</th>
            <th scope="col">{words.expires}</th>
            <th scope="col">
              <span class="for-ears">{words.actions}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {tokens.slice(0, shown.value).map((token) => (
            <Row key={token.id} token={token} hasAccounts={hasAccounts} onRevoke={onRevoke} />
          ))}
        </tbody>
      </table>
      {tokens.length > shown.value && (
        <p class="actions">
          <button type="button" class="button" onClick={() => (shown.value += ROWS)}>
            {texts.showMore(tokens.length - shown.value)}
          </button>
        </p>
      )}
    </>
  );
}

function Row({
  token,
  hasAccounts,
  onRevoke,
}: {
  readonly token: Token;
  readonly hasAccounts: boolean;
  readonly onRevoke: (token: Token) => void;
}): JSX.Element {
  const { name, account, scopes, created_at: created, created_by: creator, last_used_at: used } = token;
  return (
    <tr>
      <th scope="row">{name === "" ? <span class="quiet">{words.noName}</span> : <bdi>{name}</bdi>}</th>
      {hasAccounts && (
        <td data-label={words.account}>
          <bdi>{account}</bdi>
        </td>
      )}
      <td data-label={words.may} class="scopes">
        <Scopes scopes={scopes} />
      </td>
      <td data-label={words.created}>
        <span>
          <Time value={created} />
          {creator !== account && creator !== "" && (
            <span class="quiet">
              {" "}
              {words.by} <bdi>{creator}</bdi>
            </span>
          )}
        </span>
      </td>
      <td data-label={words.used}>
        <Time value={used} absent={words.unused} />
      </td>
      <td data-label={words.expires}>
        <Expiry value={token.expires_at} />
      </td>
      <td class="act">
        <button type="button" class="button" aria-label={words.revokeOne(name)} onClick={() => onRevoke(token)}>
          {words.revoke}
        </button>
      </td>
    </tr>
  );
}

function Scopes({ scopes }: { readonly scopes: readonly string[] | undefined }): JSX.Element {
  if (scopes === undefined) return <span class="quiet">{words.everything}</span>;
  return (
    <ul>
      {scopes.slice(0, SCOPES).map((scope) => (
        <li key={scope}>
          <code>
            <bdi>{scope.replace(/^repository:/, "")}</bdi>
          </code>
        </li>
      ))}
      {scopes.length > SCOPES && (
        <li class="quiet" title={scopes.slice(SCOPES).join("\n")}>
          {words.more(scopes.length - SCOPES)}
        </li>
      )}
    </ul>
  );
}

function Expiry({ value }: { readonly value: string | undefined }): JSX.Element {
  const time = parseTime(value);
  if (time !== undefined && time <= now.value) return <span class="lost">{words.expired}</span>;
  return <Time value={value} absent={texts.never} format={formatUntil} />;
}
