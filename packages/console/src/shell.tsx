import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { formatReference, formatRoute, type Page } from "./lib/route.js";
import { Mark } from "./parts/icons.js";
import type { Session } from "./api/session.js";
import { Account } from "./parts/account.js";
import { SkeletonRows } from "./parts/skeleton.js";
import { LoginPage } from "./pages/login/login-page.js";
import { lazyPage } from "./parts/lazy.js";
import { ThemeChoice } from "./parts/theme-choice.js";
import { readRepositoriesAhead, RepositoriesPage } from "./pages/repositories/repositories-page.js";
import { RepositoryPage } from "./pages/repository/repository-page.js";
import { UnknownPage } from "./pages/unknown-page.js";
import { route } from "./state/route.js";
import { loginWanted } from "./state/login-wanted.js";
import { currentSession, refreshSession, registryAddress, session } from "./state/session.js";
import { texts } from "./text/index.js";

const ImagePage = lazyPage("image", async () => (await import("./pages/image/image-page.js")).ImagePage);
const ComparePage = lazyPage("compare", async () => (await import("./pages/compare/compare-page.js")).ComparePage);

const ActivityPage = lazyPage("activity", async () => (await import("./pages/activity/activity-page.js")).ActivityPage);
const OperationPage = lazyPage(
  "operation",
  async () => (await import("./pages/operation/operation-page.js")).OperationPage,
);
const TokensPage = lazyPage("tokens", async () => (await import("./pages/tokens/tokens-page.js")).TokensPage);
const UsagePage = lazyPage("usage", async () => (await import("./pages/usage/usage-page.js")).UsagePage);

/** What every page has around it. */
export function Shell(): JSX.Element {
  const { page } = route.value;
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  const path = formatRoute(page);
  const viewer = currentSession();
  useEffect(() => {
    document.title = `${titleOf(page)} · ${registryAddress()}`;
  });
  useEffect(() => {
    if (isFirst.current) {
      isFirst.current = false;
      return;
    }
    // As if a new page had been loaded.
    scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [path]);
  // The registry wants a login of somebody who has one: their session is over.
  const isOver = loginWanted.value && viewer?.account !== undefined;
  useEffect(() => {
    if (isOver) void refreshSession();
  }, [isOver]);
  useEffect(() => {
    addEventListener("keydown", focusSearch);
    return () => removeEventListener("keydown", focusSearch);
  }, []);
  return (
    <>
      <a class="skip" href="#content" onClick={(event) => skipTo(event, main.current)}>
        {texts.skipToContent}
      </a>
      <header class="top">
        <div class="top-inner">
          <a class="brand" href={formatRoute({ kind: "repositories" })} title={texts.home}>
            <Mark />
            <bdi class="brand-name">{registryAddress()}</bdi>
          </a>
          <nav class="pages" aria-label={texts.navigation}>
            <a
              href={formatRoute({ kind: "repositories" })}
              aria-current={["repositories", "repository", "image"].includes(page.kind) ? "page" : undefined}
            >
              {texts.pages.repositories}
            </a>
            {viewer?.rights.maintenance === true && viewer.features.inventory && (
              <a href={formatRoute({ kind: "usage" })} aria-current={page.kind === "usage" ? "page" : undefined}>
                {texts.pages.usage}
              </a>
            )}
            {viewer?.features.activity === true && (
              <a href={formatRoute({ kind: "activity" })} aria-current={page.kind === "activity" ? "page" : undefined}>
                {texts.pages.activity}
              </a>
            )}
            {viewer?.rights.maintenance === true && (
              <a
                href={formatRoute({ kind: "operation" })}
                aria-current={page.kind === "operation" ? "page" : undefined}
              >
                {texts.pages.operation}
              </a>
            )}
            {viewer?.account !== undefined && viewer.features.tokens && (
              <a href={formatRoute({ kind: "tokens" })} aria-current={page.kind === "tokens" ? "page" : undefined}>
                {texts.pages.tokens}
              </a>
            )}
          </nav>
          <div class="top-end">
            <ThemeChoice />
            <Account />
          </div>
        </div>
      </header>
      <main id="content" ref={main} tabIndex={-1}>
        <Content page={page} key={`${viewer?.account ?? ""} ${path}`} />
      </main>
    </>
  );
}

function Content({ page }: { readonly page: Page }): JSX.Element {
  const known = session.value;
  if (known.state === "loading") return <SkeletonRows />;
  // The address stays, so that the page that was wanted is there after the login.
  if (known.state === "done" && needsLogin(known.value)) return <LoginPage />;
  switch (page.kind) {
    case "repositories":
      return <RepositoriesPage />;
    case "repository":
      return <RepositoryPage name={page.name} />;
    case "image":
      return <ImagePage reference={page.reference} />;
    case "login":
      return <LoginPage />;
    case "usage":
      return <UsagePage />;
    case "activity":
      return <ActivityPage />;
    case "operation":
      return <OperationPage />;
    case "tokens":
      return <TokensPage />;
    case "compare":
      return <ComparePage />;
    default:
      return <UnknownPage />;
  }
}

/** Begins to read what the page that the address means opens with, once it is known who looks. */
export async function readAhead(): Promise<void> {
  const viewer = currentSession();
  if (viewer === undefined || needsLogin(viewer)) return;
  if (route.peek().page.kind === "repositories") await readRepositoriesAhead();
}

function needsLogin({ account, anonymous, logins }: Session): boolean {
  return account === undefined && (!anonymous || loginWanted.value) && logins.length > 0;
}

function titleOf(page: Page): string {
  switch (page.kind) {
    case "repository":
      return page.name;
    case "image":
      return formatReference(page.reference);
    case "unknown":
      return texts.unknownPage.title;
    default:
      return texts.pages[page.kind];
  }
}

/** A link would change the page: what is behind `#` names one. */
function skipTo(event: Event, main: HTMLElement | null): void {
  event.preventDefault();
  main?.focus();
}

/** `/` goes to the search of the page, unless something is being written. */
function focusSearch(event: KeyboardEvent): void {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target instanceof Element && event.target.closest("input, textarea, select") !== null) return;
  const search = document.querySelector("input[type=search]");
  if (!(search instanceof HTMLInputElement)) return;
  event.preventDefault();
  search.focus();
  search.select();
}
