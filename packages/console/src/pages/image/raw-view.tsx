import { Fragment, type JSX } from "preact";
import { MOST_BYTES, readBlob, readManifest } from "../../api/blob.js";
import type { Image } from "../../api/image.js";
import { CopyButton } from "../../parts/copy.js";
import { FailureNotice } from "../../parts/failure-notice.js";
import { JsonTree } from "../../parts/json-tree.js";
import { SkeletonRows } from "../../parts/skeleton.js";
import { useResource } from "../../state/resource.js";
import { texts } from "../../text/index.js";
import { isReadable } from "./document-view.js";

const words = texts.raw;

/** Manifests and their config as they were pushed. */
export function RawView({ images }: { readonly images: readonly Image[] }): JSX.Element {
  return (
    <div class="sections">
      {images.map(({ name, digest, mediaType, config }) => (
        <Fragment key={digest}>
          <Json title={mediaType} id={`${name} ${digest}`} read={(signal) => readManifest(name, digest, signal)} />
          {config !== undefined && isReadable(config) && (
            <Json
              title={config.mediaType}
              id={`${name} ${config.digest}`}
              read={(signal) => readBlob(name, config.digest, MOST_BYTES, signal)}
            />
          )}
        </Fragment>
      ))}
    </div>
  );
}

function Json({
  title,
  id,
  read,
}: {
  readonly title: string;
  readonly id: string;
  readonly read: (signal: AbortSignal) => Promise<string>;
}): JSX.Element {
  const { resource, reload } = useResource(id, async (signal) => {
    const text = await read(signal);
    const value: unknown = JSON.parse(text);
    return { text, value };
  });
  const { value } = resource;
  return (
    <section>
      <h2 class="raw-title">
        <bdi>{title}</bdi>
        {value.state === "done" && <CopyButton value={value.value.text} what={words.json} />}
      </h2>
      {value.state === "loading" && <SkeletonRows count={3} />}
      {value.state === "failed" && <FailureNotice failure={value.failure} retry={reload} />}
      {value.state === "done" && <JsonTree value={value.value.value} />}
    </section>
  );
}
