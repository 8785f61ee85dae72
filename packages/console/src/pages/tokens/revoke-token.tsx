import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { ApiFailure } from "../../api/failure.js";
import { revokeToken, type Token } from "../../api/tokens.js";
import { Dialog } from "../../parts/dialog.js";
import { FailureNotice } from "../../parts/failure-notice.js";
import { Time } from "../../parts/values.js";
import { failureOf } from "../../state/resource.js";
import { texts } from "../../text/index.js";

const words = texts.tokens;

/** Says what ends with a token, or with a damaged one's name, before it does. */
export function RevokeToken({
  token,
  onClose,
}: {
  readonly token: Token | string;
  readonly onClose: (isRevoked: boolean) => void;
}): JSX.Element {
  const isBusy = useSignal(false);
  const failure = useSignal<ApiFailure | undefined>(undefined);
  const run = async (): Promise<void> => {
    isBusy.value = true;
    try {
      await revokeToken(typeof token === "string" ? token : token.id);
      onClose(true);
    } catch (error) {
      failure.value = failureOf(error);
      // Somebody else was faster.
      if (failure.value.kind === "missing") onClose(true);
      isBusy.value = false;
    }
  };
  return (
    <Dialog title={words.revokeTitle} onClose={() => onClose(false)}>
      {typeof token === "string" ? (
        <p>
          <code>{token}</code>
        </p>
      ) : (
        <p>
          <strong>
            <bdi>{token.name === "" ? words.noName : token.name}</bdi>
          </strong>{" "}
          <span class="quiet">
            <bdi>{token.account}</bdi> · {words.used}: <Time value={token.last_used_at} absent={words.unused} />
          </span>
        </p>
      )}
      <p class="revoke-what">{words.revokeWhat}</p>
      {failure.value !== undefined && <FailureNotice failure={failure.value} />}
      <div class="actions">
        <button type="button" class="button danger" disabled={isBusy.value} onClick={() => void run()}>
          {words.revokeConfirm}
        </button>
        <button type="button" class="button" onClick={() => onClose(false)}>
          {texts.cancel}
        </button>
      </div>
    </Dialog>
  );
}
