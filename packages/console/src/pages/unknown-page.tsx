import type { JSX } from "preact";
import { formatRoute } from "../lib/route.js";
import { texts } from "../text/index.js";

export function UnknownPage(): JSX.Element {
  return (
    <div class="notice">
      <h1>{texts.unknownPage.title}</h1>
      <p>{texts.unknownPage.what}</p>
      <p class="actions">
        <a class="button" href={formatRoute({ kind: "repositories" })}>
          {texts.unknownPage.back}
        </a>
      </p>
    </div>
  );
}
