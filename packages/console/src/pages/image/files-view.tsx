import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import "../../style/files.css";
import { listLayerFiles, type LayerFiles, type LayerOf } from "../../api/layer-files.js";
import type { ApiFailure } from "../../api/failure.js";
import type { Descriptor, Image } from "../../api/image.js";
import { formatBytes } from "../../lib/bytes.js";
import { createHidden, type Hidden } from "../../lib/hidden.js";
import { buildSteps } from "../../lib/history.js";
import { FailureNotice } from "../../parts/failure-notice.js";
import { SkeletonRows } from "../../parts/skeleton.js";
import { choose, route } from "../../state/route.js";
import { failureOf, useResource } from "../../state/resource.js";
import { texts } from "../../text/index.js";
import { FileTree } from "./file-tree.js";

const words = texts.files;
/** Later layers are read without being asked for if they have no more bytes than this together. */
const LITTLE = 64 * 1024 * 1024;
/** How long to wait when the registry is reading other layers (ms), and how often. */
const PAUSE = 2000;
const ATTEMPTS = 15;
/** The registry can't tell what is in a layer: it is none, or compressed in a way that it doesn't know. */
const UNREADABLE = 422;
/** The most letters of a command that name a layer. */
const NAME = 70;

/** What later layers hide of this one, as far as they have been read. */
interface Comparison {
  readonly hidden: Hidden;
  readonly read: number;
  readonly isComplete: boolean;
  readonly failure?: ApiFailure | undefined;
}

/** The files that one layer of an image adds, and which of them a later one hides. */
export function FilesView({ image }: { readonly image: Image }): JSX.Element {
  const { name, digest, layers = [] } = image;
  const chosen = Math.min(Math.max(0, Number(route.value.query["layer"] ?? 1) - 1 || 0), layers.length - 1);
  const layer = layers[chosen];
  const steps = buildSteps(image.image?.history ?? [], layers);
  const labels = layers.map((each, index) => {
    const command = steps.find((step) => step.layer === each)?.command ?? texts.layers.noCommand;
    return `${index + 1}. ${command.length > NAME ? `${command.slice(0, NAME)}…` : command}`;
  });
  if (layer === undefined) return <p class="nothing quiet">{words.noLayers}</p>;
  return (
    <>
      <label class="layer-choice">
        {words.layer}
        <select
          value={String(chosen)}
          onChange={({ currentTarget: { value } }) => choose({ layer: String(Number(value) + 1), file: undefined })}
        >
          {layers.map(({ size }, index) => (
            <option key={index} value={String(index)}>
              {`${labels[index] ?? ""} (${formatBytes(size)})`}
            </option>
          ))}
        </select>
      </label>
      <Layer key={`${layer.digest} ${chosen}`} of={{ name, manifest: digest }} number={chosen} layers={layers} />
    </>
  );
}

/** Whose layers they are. */
type Owner = Pick<LayerOf, "name" | "manifest">;

function Layer({
  of,
  number,
  layers,
}: {
  readonly of: Owner;
  readonly number: number;
  readonly layers: readonly Descriptor[];
}): JSX.Element {
  const layer = layers[number]?.digest ?? "";
  const isItself = useSignal(false);
  const { resource, reload } = useResource(`${layer} ${isItself.value ? "itself" : ""}`, (signal) =>
    readLayer({ ...of, layer, isItself: isItself.value }, signal),
  );
  const { value } = resource;
  if (value.state === "loading") return <SkeletonRows />;
  if (value.state === "failed") {
    const { status, detail, message } = value.failure;
    if (status !== UNREADABLE) return <FailureNotice failure={value.failure} retry={reload} />;
    return (
      <p class="nothing quiet">
        {words.unreadable} <bdi>{detail ?? message}</bdi>
      </p>
    );
  }
  return (
    <Found of={of} files={value.value} number={number} layers={layers} readItself={() => (isItself.value = true)} />
  );
}

function Found({
  of,
  files,
  number,
  layers,
  readItself,
}: {
  readonly of: Owner;
  readonly files: LayerFiles;
  readonly number: number;
  readonly layers: readonly Descriptor[];
  readonly readItself: () => void;
}): JSX.Element {
  const later = layers.slice(number + 1);
  const bytes = later.reduce((sum, { size }) => sum + size, 0);
  const isWanted = useSignal(bytes <= LITTLE);
  const comparison = useSignal<Comparison>({ hidden: createHidden(), read: 0, isComplete: later.length === 0 });
  useEffect(() => {
    if (!isWanted.value || later.length === 0) return undefined;
    const controller = new AbortController();
    void compare(of, later, number + 1, controller.signal, (next) => (comparison.value = next));
    return () => controller.abort();
  }, [isWanted.value]);
  const { hidden, read, isComplete, failure } = comparison.value;
  return (
    <>
      {files.table !== undefined && (
        <p class="quiet">
          {words.byTable(files.table)}{" "}
          <button type="button" class="link" onClick={readItself}>
            {words.readItself}
          </button>
        </p>
      )}
      {files.cutBy !== undefined && <p class="cut">{words.cut(files.cutBy, files.files.length)}</p>}
      {later.length > 0 && (
        <p class="quiet compared" role="status">
          {!isWanted.value ? (
            <button type="button" class="link" onClick={() => (isWanted.value = true)}>
              {words.compare(later.length, formatBytes(bytes))}
            </button>
          ) : failure !== undefined ? (
            words.notCompared
          ) : isComplete ? (
            words.compared(later.length)
          ) : (
            words.comparing(read, later.length)
          )}
        </p>
      )}
      <FileTree files={files.files} hidden={hidden} />
    </>
  );
}

/** Reads later layers one after the other, and tells what is known of them after each. */
async function compare(
  of: Owner,
  later: readonly Descriptor[],
  first: number,
  signal: AbortSignal,
  onStep: (next: Comparison) => void,
): Promise<void> {
  const hidden = createHidden();
  try {
    for (const [index, { digest }] of later.entries()) {
      const { files, cutBy } = await readLayer({ ...of, layer: digest }, signal);
      hidden.add(first + index, files);
      const isLast = index === later.length - 1;
      onStep({ hidden, read: index + 1, isComplete: isLast && cutBy === undefined });
    }
  } catch (error) {
    if (!signal.aborted) onStep({ hidden, read: 0, isComplete: false, failure: failureOf(error) });
  }
}

/** Waits its turn if the registry is reading others. */
async function readLayer(layer: LayerOf, signal: AbortSignal): Promise<LayerFiles> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await listLayerFiles(layer, signal);
    } catch (error) {
      if (attempt === ATTEMPTS || failureOf(error).kind !== "busy") throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    signal.throwIfAborted();
  }
}
