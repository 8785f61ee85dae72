import type { JSX } from "preact";
import { logOut } from "../api/session.js";
import { formatRoute } from "../lib/route.js";
import { currentSession, refreshSession } from "../state/session.js";
import { texts } from "../text/index.js";

/** Who is logged in, and the way out; or the way in. */
export function Account(): JSX.Element | null {
  const session = currentSession();
  if (session === undefined || session.logins.length === 0) return null;
  if (session.account === undefined) {
    return (
      <a class="button" href={formatRoute({ kind: "login" })}>
        {texts.account.logIn}
      </a>
    );
  }
  return (
    <>
      <bdi class="account" title={texts.account.as(session.account)}>
        {session.account}
      </bdi>
      <button
        type="button"
        class="button"
        onClick={() => {
          // Whatever the registry answers, the page shows what is true afterwards.
          void logOut()
            .catch(() => undefined)
            .then(refreshSession);
        }}
      >
        {texts.account.logOut}
      </button>
    </>
  );
}
