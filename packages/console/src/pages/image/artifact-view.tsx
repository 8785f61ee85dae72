import type { JSX } from "preact";
import { blobAddress } from "../../api/blob.js";
import type { Descriptor, Image } from "../../api/image.js";
import { shortDigest } from "../../lib/artifact.js";
import { Bytes } from "../../parts/values.js";
import { texts } from "../../text/index.js";
import { Values } from "./configuration-view.js";
import { DocumentView, isReadable } from "./document-view.js";

const words = texts.artifact;
const TITLE = "org.opencontainers.image.title";

/** What isn't an image: its files, and those of them that a page can show. */
export function ArtifactView({ image }: { readonly image: Image }): JSX.Element {
  const { name, config, layers = [], annotations = {} } = image;
  const files = [...(config === undefined || config.size <= 2 ? [] : [config]), ...layers];
  return (
    <div class="sections">
      <section>
        <h2>{words.files}</h2>
        {files.length === 0 && <p class="quiet">{texts.none}</p>}
        <ul class="files">
          {files.map((file, index) => (
            <FileRow key={`${file.digest} ${index}`} name={name} file={file} />
          ))}
        </ul>
      </section>
      <Values title={texts.configuration.annotations} values={annotations} />
    </div>
  );
}

function FileRow({ name, file }: { readonly name: string; readonly file: Descriptor }): JSX.Element {
  const title = file.annotations?.[TITLE];
  return (
    <li>
      <p class="file-head">
        <bdi class="file-name">{title ?? shortDigest(file.digest)}</bdi>
        <code class="quiet">
          <bdi>{file.mediaType}</bdi>
        </code>
        <span class="quiet">
          <Bytes value={file.size} />
        </span>
        <a href={blobAddress(name, file.digest)} download={title ?? file.digest.replace(":", "-")}>
          {words.download}
        </a>
      </p>
      {isReadable(file) && <DocumentView name={name} file={file} />}
    </li>
  );
}
