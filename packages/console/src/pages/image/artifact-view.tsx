import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { MOST_BYTES } from "../../api/blob.js";
import type { Descriptor, Image } from "../../api/image.js";
import { shortDigest } from "../../lib/artifact.js";
import { Bytes } from "../../parts/values.js";
import { texts } from "../../text/index.js";
import { Download } from "./download.js";
import { Values } from "./configuration-view.js";
import { DocumentView, isReadable } from "./document-view.js";

const words = texts.artifact;
const TITLE = "org.opencontainers.image.title";

/** So many files, and of them so many bytes, are shown without being asked for. */
const FIRST = { files: 3, bytes: 256 * 1024 } as const;

/** The first files that a page can show. Their sizes are what the manifest says: as many bytes of each are read at most. */
function shownAtFirst(files: readonly Descriptor[]): ReadonlySet<Descriptor> {
  let left: number = FIRST.bytes;
  return new Set(
    files
      .filter(isReadable)
      .slice(0, FIRST.files)
      .filter(({ size }) => (left -= size) >= 0),
  );
}

/** What isn't an image: its files, and those of them that a page can show. */
export function ArtifactView({ image }: { readonly image: Image }): JSX.Element {
  const { name, config, layers = [], annotations = {} } = image;
  const files = [...(config === undefined || config.size <= 2 ? [] : [config]), ...layers];
  const first = shownAtFirst(files);
  return (
    <div class="sections">
      <section>
        <h2>{words.files}</h2>
        {files.length === 0 && <p class="quiet">{texts.none}</p>}
        <ul class="files">
          {files.map((file, index) => (
            <FileRow key={`${file.digest} ${index}`} name={name} file={file} isFirst={first.has(file)} />
          ))}
        </ul>
      </section>
      <Values title={texts.configuration.annotations} values={annotations} />
    </div>
  );
}

function FileRow({
  name,
  file,
  isFirst,
}: {
  readonly name: string;
  readonly file: Descriptor;
  readonly isFirst: boolean;
}): JSX.Element {
  const isOpen = useSignal(isFirst);
  const title = file.annotations?.[TITLE];
  return (
    <li>
      <div class="file-head">
        <bdi class="file-name">{title ?? shortDigest(file.digest)}</bdi>
        <code class="quiet">
          <bdi>{file.mediaType}</bdi>
        </code>
        <span class="quiet">
          <Bytes value={file.size} />
        </span>
        <Download name={name} file={file} title={title ?? file.digest.replace(":", "-")} />
        {isReadable(file) && (
          <button
            type="button"
            class="link"
            aria-expanded={isOpen.value}
            onClick={() => (isOpen.value = !isOpen.value)}
          >
            {isOpen.value ? words.hide : words.show}
          </button>
        )}
      </div>
      {isOpen.value && <DocumentView name={name} file={file} most={isFirst ? FIRST.bytes : MOST_BYTES} />}
    </li>
  );
}
