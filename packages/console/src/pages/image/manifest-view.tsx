import type { JSX } from "preact";
import type { Child, Image } from "../../api/image.js";
import { Choice } from "../../parts/choice.js";
import { choose, route } from "../../state/route.js";
import { texts } from "../../text/index.js";
import { ArtifactView } from "./artifact-view.js";
import { ConfigurationView } from "./configuration-view.js";
import { FilesView } from "./files-view.js";
import { LayersView } from "./layers-view.js";
import { RawView } from "./raw-view.js";
import { ReferrersView } from "./referrers-view.js";

const words = texts.image;

/** What a manifest is made of, in one of several views. */
export function ManifestView({
  image,
  index,
  subjects,
  attestations = [],
}: {
  readonly image: Image;
  /** The index that it was reached by. */
  readonly index?: Image;
  /** Whose referrers are shown. */
  readonly subjects: readonly string[];
  readonly attestations?: readonly Child[];
}): JSX.Element {
  const hasConfig = image.image !== undefined;
  const views = hasConfig
    ? (["layers", "files", "configuration", "referrers", "raw"] as const)
    : (["content", "referrers", "raw"] as const);
  const view = views.find((each) => each === route.value.query["view"]) ?? views[0];
  return (
    <>
      <div class="views">
        <Choice
          label={words.views}
          options={views.map((value) => ({ value, label: words.view[value] }))}
          value={view}
          onChange={(next) => choose({ view: next })}
        />
      </div>
      {view === "layers" && <LayersView image={image} />}
      {view === "files" && <FilesView image={image} />}
      {view === "configuration" && image.image !== undefined && (
        <ConfigurationView configuration={image.image} annotations={{ ...index?.annotations, ...image.annotations }} />
      )}
      {view === "content" && <ArtifactView image={image} />}
      {view === "referrers" && <ReferrersView name={image.name} subjects={subjects} attestations={attestations} />}
      {view === "raw" && <RawView images={index === undefined ? [image] : [index, image]} />}
    </>
  );
}
