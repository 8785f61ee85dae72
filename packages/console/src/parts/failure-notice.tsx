import type { JSX } from "preact";
import type { ApiFailure } from "../api/failure.js";
import { formatRoute } from "../lib/route.js";
import { texts } from "../text/index.js";

/** Says what failed and what to do about it. */
export function FailureNotice({
  failure,
  retry,
}: {
  readonly failure: ApiFailure;
  readonly retry?: (() => void) | undefined;
}): JSX.Element {
  const { title, what } = texts.failure[failure.kind];
  const { kind, message, detail } = failure;
  // A refusal's message is the same for all; why, if it is told, is in its detail.
  const parts =
    kind === "forbidden" ? [detail] : kind === "unsupported" || kind === "unexpected" ? [message, detail] : [];
  const words = parts.filter((part) => part !== undefined && part !== "").join(": ");
  return (
    <div class="notice" role="alert">
      <h2>{title}</h2>
      <p>{what}</p>
      {words !== "" && (
        <p class="words">
          <bdi>{words}</bdi>
        </p>
      )}
      <p class="actions">
        {failure.kind === "login" && (
          <a class="button strong" href={formatRoute({ kind: "login" })}>
            {texts.account.logIn}
          </a>
        )}
        {retry !== undefined && (
          <button type="button" class="button" onClick={retry}>
            {texts.retry}
          </button>
        )}
      </p>
    </div>
  );
}
