import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { showImage, type Descriptor, type Image } from "../../api/image.js";
import { listTags } from "../../api/tags.js";
import { formatPlatform, shortDigest } from "../../lib/artifact.js";
import { buildSteps, type BuildStep } from "../../lib/history.js";
import { CopyButton } from "../../parts/copy.js";
import { FailureNotice } from "../../parts/failure-notice.js";
import { Bytes, Time } from "../../parts/values.js";
import { failureOf } from "../../state/resource.js";
import type { ApiFailure } from "../../api/failure.js";
import { texts } from "../../text/index.js";

const words = texts.layers;
/** So many steps are shown at a time. */
const PAGE = 200;
/** So many other tags are looked at for what they share. */
const OTHERS = 24;

type Sharing = ReadonlyMap<string, readonly string[]>;

/** The steps of the build beside the layers that they made. */
export function LayersView({ image }: { readonly image: Image }): JSX.Element {
  const { layers = [] } = image;
  const steps = buildSteps(image.image?.history ?? [], layers);
  const largest = Math.max(1, ...layers.map(({ size }) => size));
  const total = layers.reduce((sum, { size }) => sum + size, 0);
  const shown = useSignal(PAGE);
  const sharing = useSignal<Sharing | "reading" | undefined>(undefined);
  const failure = useSignal<ApiFailure | undefined>(undefined);
  const find = async (): Promise<void> => {
    sharing.value = "reading";
    try {
      sharing.value = await findSharing(image);
    } catch (error) {
      failure.value = failureOf(error);
      sharing.value = undefined;
    }
  };
  const found = typeof sharing.value === "object" ? sharing.value : undefined;
  return (
    <>
      <Strip layers={layers} total={total} />
      <div class="list-tools">
        <span>
          {words.count(layers.length)} · <Bytes value={total} />
        </span>
        {found !== undefined ? (
          <span>{words.looked}</span>
        ) : (
          <button type="button" class="link" disabled={sharing.value === "reading"} onClick={() => void find()}>
            {sharing.value === "reading" ? texts.loading : words.findShared}
          </button>
        )}
      </div>
      {failure.value !== undefined && <FailureNotice failure={failure.value} />}
      <ol class="steps-list">
        {steps.slice(0, shown.value).map((step, index) => (
          <StepRow
            key={index}
            step={step}
            largest={largest}
            sharedBy={
              found === undefined || step.layer === undefined ? undefined : (found.get(step.layer.digest) ?? [])
            }
          />
        ))}
      </ol>
      {steps.length > shown.value && (
        <button type="button" class="link" onClick={() => (shown.value += PAGE)}>
          {texts.showMore(steps.length - shown.value)}
        </button>
      )}
    </>
  );
}

/** The layers as parts of the whole. */
function Strip({ layers, total }: { readonly layers: readonly Descriptor[]; readonly total: number }): JSX.Element {
  let x = 0;
  const scale = 1000 / Math.max(1, total);
  return (
    <svg class="strip" viewBox="0 0 1000 14" preserveAspectRatio="none" aria-hidden="true">
      {layers.map(({ digest, size }, index) => {
        const start = x;
        x += size * scale;
        return (
          <rect
            key={`${digest} ${index}`}
            class={`strip-${index % 4}`}
            x={start}
            y={0}
            width={Math.max(0, size * scale - 2)}
            height={14}
          />
        );
      })}
    </svg>
  );
}

function StepRow({
  step: { command, created, layer },
  largest,
  sharedBy,
}: {
  readonly step: BuildStep<Descriptor>;
  readonly largest: number;
  readonly sharedBy: readonly string[] | undefined;
}): JSX.Element {
  return (
    <li class={layer === undefined ? "step empty" : "step"}>
      <code class="step-command">
        <bdi>{command ?? words.noCommand}</bdi>
      </code>
      {layer !== undefined && (
        <div class="step-layer">
          <svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
            <rect class="bar-ground" width="100" height="6" rx="1" />
            <rect class="bar-value" width={Math.max(0.5, (100 * layer.size) / largest)} height="6" rx="1" />
          </svg>
          <span class="number">
            <Bytes value={layer.size} />
          </span>
          <span class="digest quiet">
            <code title={`${layer.digest}\n${layer.mediaType}`}>{shortDigest(layer.digest)}</code>
            <CopyButton value={layer.digest} what={texts.things.digest} />
          </span>
          <span class="quiet step-time">
            <Time value={created} />
          </span>
          {sharedBy !== undefined && (
            <span class={sharedBy.length === 0 ? "quiet" : "shared"} title={sharedBy.join("\n")}>
              {words.shared(sharedBy)}
            </span>
          )}
        </div>
      )}
    </li>
  );
}

/** Which of the latest other tags have each layer, for the same platform. */
async function findSharing(image: Image): Promise<Sharing> {
  const { items } = await listTags(image.name, { search: "", sort: "pushed", isDescending: true }, OTHERS, undefined);
  const sharing = new Map<string, string[]>();
  for (const { tag, digest } of items) {
    const other = await samePlatform(image, digest);
    if (other === undefined || other.digest === image.digest) continue;
    for (const layer of other.layers ?? []) sharing.set(layer.digest, [...(sharing.get(layer.digest) ?? []), tag]);
  }
  return sharing;
}

/** The manifest at `digest`, or its child for the platform of `image`. */
async function samePlatform(image: Image, digest: string): Promise<Image | undefined> {
  const other = await showImage(image.name, digest);
  if (other.manifests === undefined) return other;
  const wanted = formatPlatform(image.image?.platform ?? {});
  const child = other.manifests.find(({ platform }) => platform !== undefined && formatPlatform(platform) === wanted);
  return child === undefined ? undefined : showImage(image.name, child.digest);
}
