import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { blobAddress, fetchBlob, MOST_SAVED } from "../../api/blob.js";
import type { ApiFailure } from "../../api/failure.js";
import type { Descriptor } from "../../api/image.js";
import { FailureNotice } from "../../parts/failure-notice.js";
import { failureOf } from "../../state/resource.js";
import { currentSession } from "../../state/session.js";
import { texts } from "../../text/index.js";

const words = texts.artifact;

/** Saves a file as `title`. */
export function Download(properties: {
  readonly name: string;
  readonly file: Descriptor;
  readonly title: string;
}): JSX.Element {
  const { name, file, title } = properties;
  const isBusy = useSignal(false);
  const failure = useSignal<ApiFailure | undefined>(undefined);
  // Over plain HTTP browsers don't say that a link is the registry's own, so that the session only counts with the page's header.
  if (isSecureContext || currentSession()?.account === undefined) {
    return (
      <a href={blobAddress(name, file.digest)} download={title}>
        {words.download}
      </a>
    );
  }
  if (file.size > MOST_SAVED) return <span class="quiet">{words.tooLarge}</span>;
  const save = async (): Promise<void> => {
    isBusy.value = true;
    failure.value = undefined;
    try {
      offer(await fetchBlob(name, file.digest), title);
    } catch (error) {
      failure.value = failureOf(error);
    }
    isBusy.value = false;
  };
  return (
    <>
      <button type="button" class="link" disabled={isBusy.value} onClick={() => void save()}>
        {words.download}
      </button>
      {failure.value !== undefined && <FailureNotice failure={failure.value} />}
    </>
  );
}

/** How long the browser may take to begin with the file (ms). */
const BEGINNING = 60_000;

function offer(content: Blob, title: string): void {
  const link = document.createElement("a");
  // Without its own type: it is saved, whatever it is, and never shown as a page of this host.
  link.href = URL.createObjectURL(new Blob([content], { type: "application/octet-stream" }));
  link.download = title;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), BEGINNING);
}
