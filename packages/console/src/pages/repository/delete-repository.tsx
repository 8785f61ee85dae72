import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { ApiFailure } from "../../api/failure.js";
import { deleteRepository } from "../../api/repositories.js";
import { Dialog } from "../../parts/dialog.js";
import { FailureNotice } from "../../parts/failure-notice.js";
import { failureOf } from "../../state/resource.js";
import { texts } from "../../text/index.js";

const words = texts.deletion;

/** Deletes a repository after its name has been written. */
export function DeleteRepository({
  name,
  tags,
  onClose,
}: {
  readonly name: string;
  readonly tags: string;
  readonly onClose: (isGone: boolean) => void;
}): JSX.Element {
  const written = useSignal("");
  const isBusy = useSignal(false);
  const failure = useSignal<ApiFailure | undefined>(undefined);
  const run = async (): Promise<void> => {
    isBusy.value = true;
    try {
      await deleteRepository(name);
      onClose(true);
    } catch (error) {
      failure.value = failureOf(error);
      isBusy.value = false;
    }
  };
  return (
    <Dialog title={words.repositoryTitle} onClose={() => onClose(false)}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (written.value === name) void run();
        }}
      >
        <p>
          <bdi>{words.repositoryWhat(name, tags)}</bdi>
        </p>
        <p class="field">
          <label for="repository-name">{words.writeName}</label>
          <input
            id="repository-name"
            autocomplete="off"
            value={written.value}
            onInput={({ currentTarget }) => (written.value = currentTarget.value)}
          />
        </p>
        {failure.value !== undefined && <FailureNotice failure={failure.value} />}
        <div class="actions">
          <button type="submit" class="button danger" disabled={written.value !== name || isBusy.value}>
            {words.deleteRepository}
          </button>
          <button type="button" class="button" onClick={() => onClose(false)}>
            {texts.cancel}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
