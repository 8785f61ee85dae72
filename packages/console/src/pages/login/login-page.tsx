import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { inRegistry } from "../../api/http.js";
import { logIn, type LoginWay } from "../../api/session.js";
import type { ApiFailure } from "../../api/failure.js";
import { Command } from "../../parts/copy.js";
import { FailureNotice } from "../../parts/failure-notice.js";
import { failureOf } from "../../state/resource.js";
import { loginWanted } from "../../state/login-wanted.js";
import { route, visit } from "../../state/route.js";
import { currentSession, refreshSession, registryAddress } from "../../state/session.js";
import { texts } from "../../text/index.js";

const words = texts.login;

/** Every way to log in that the registry has. */
export function LoginPage(): JSX.Element {
  const session = currentSession();
  const ways = session?.logins ?? [];
  return (
    <section class="login">
      <h1>{words.title(registryAddress())}</h1>
      {session !== undefined && ways.length === 0 && <p>{words.none}</p>}
      {ways.map((way, index) => (
        <Way key={index} way={way} />
      ))}
      {session?.anonymous === true && ways.length > 0 && <p class="quiet">{words.anonymous}</p>}
    </section>
  );
}

function Way({ way }: { readonly way: LoginWay }): JSX.Element | null {
  switch (way.kind) {
    case "password":
      return <PasswordForm />;
    case "provider":
      return way.path === undefined ? null : (
        <p class="actions">
          <a class="button" href={inRegistry(way.path.replace(/^\//, ""))}>
            {words.with(way.title ?? way.name ?? "")}
          </a>
        </p>
      );
    case "realm":
      return (
        <div class="realm">
          <h2>{words.realmTitle}</h2>
          <p>{words.realm(way.realm ?? "")}</p>
          <Command value={`docker login ${registryAddress()}`} what={texts.things.command} />
        </div>
      );
    default:
      return null;
  }
}

function PasswordForm(): JSX.Element {
  const isBusy = useSignal(false);
  const failure = useSignal<ApiFailure | undefined>(undefined);
  const submit = async (form: HTMLFormElement): Promise<void> => {
    const data = new FormData(form);
    const account = data.get("account");
    const password = data.get("password");
    if (typeof account !== "string" || typeof password !== "string") return;
    isBusy.value = true;
    try {
      await logIn(account, password);
      loginWanted.value = false;
      await refreshSession();
      if (route.peek().page.kind === "login") visit({ kind: "repositories" });
    } catch (error) {
      failure.value = failureOf(error);
      isBusy.value = false;
    }
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void submit(event.currentTarget);
      }}
    >
      <label>
        {words.account}
        <input class="input" name="account" autocomplete="username" autocapitalize="off" spellcheck={false} required />
      </label>
      <label>
        {words.password}
        <input class="input" name="password" type="password" autocomplete="current-password" required />
      </label>
      {failure.value !== undefined &&
        (failure.value.kind === "login" ? (
          <p class="lost" role="alert">
            {words.wrong}
          </p>
        ) : (
          <FailureNotice failure={failure.value} />
        ))}
      <button type="submit" class="button strong" disabled={isBusy.value}>
        {texts.account.logIn}
      </button>
    </form>
  );
}
