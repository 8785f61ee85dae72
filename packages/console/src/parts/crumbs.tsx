import type { JSX } from "preact";
import { formatRoute } from "../lib/route.js";
import { texts } from "../text/index.js";

/** The way back: all repositories, those below each prefix, and for an image its repository. */
export function Crumbs({ name, isLink = false }: { readonly name: string; readonly isLink?: boolean }): JSX.Element {
  const parts = name.split("/");
  const prefixes = parts.slice(0, -1).map((part, index) => ({ part, path: parts.slice(0, index + 1) }));
  return (
    <nav class="crumbs" aria-label={texts.breadcrumbs}>
      <ol>
        <li>
          <a href={formatRoute({ kind: "repositories" })}>{texts.pages.repositories}</a>
        </li>
        {prefixes.map(({ part, path }) => (
          <li key={path.join("/")}>
            <a href={formatRoute({ kind: "repositories" }, { search: `${path.join("/")}/` })}>
              <bdi>{part}</bdi>
            </a>
          </li>
        ))}
        {isLink && (
          <li>
            <a href={formatRoute({ kind: "repository", name })}>
              <bdi>{parts.at(-1)}</bdi>
            </a>
          </li>
        )}
      </ol>
    </nav>
  );
}
