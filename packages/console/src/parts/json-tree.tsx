import type { JSX } from "preact";
import { useSignal } from "@preact/signals";
import { isRecord } from "../api/decode.js";
import { texts } from "../text/index.js";

/** Deeper parts are folded at first. */
const OPEN_DEPTH = 2;
/** So many members are shown at a time. */
const PAGE = 100;

/** JSON whose parts can be folded. */
export function JsonTree({ value }: { readonly value: unknown }): JSX.Element {
  return (
    <div class="json" dir="ltr">
      <Node value={value} depth={0} />
    </div>
  );
}

function Node({
  label,
  value,
  depth,
}: {
  readonly label?: string;
  readonly value: unknown;
  readonly depth: number;
}): JSX.Element {
  const entries = Array.isArray(value)
    ? value.map((each: unknown, index): readonly [string, unknown] => [String(index), each])
    : isRecord(value)
      ? Object.entries(value)
      : undefined;
  if (entries === undefined || entries.length === 0) {
    return (
      <div class="json-line">
        <Label label={label} />
        <Leaf value={value} />
      </div>
    );
  }
  return <Branch label={label} entries={entries} depth={depth} isList={Array.isArray(value)} />;
}

function Branch({
  label,
  entries,
  depth,
  isList,
}: {
  readonly label: string | undefined;
  readonly entries: readonly (readonly [string, unknown])[];
  readonly depth: number;
  readonly isList: boolean;
}): JSX.Element {
  const isOpen = useSignal(depth < OPEN_DEPTH);
  const shown = useSignal(PAGE);
  return (
    <details open={isOpen.value} onToggle={({ currentTarget }) => (isOpen.value = currentTarget.open)}>
      <summary>
        <Label label={label} />
        <span class="quiet">{isList ? `[${entries.length}]` : `{${entries.length}}`}</span>
      </summary>
      {isOpen.value && (
        <div class="json-inner">
          {entries.slice(0, shown.value).map(([key, each]) => (
            <Node key={key} {...(isList ? {} : { label: key })} value={each} depth={depth + 1} />
          ))}
          {entries.length > shown.value && (
            <button type="button" class="link" onClick={() => (shown.value += PAGE)}>
              {texts.showMore(entries.length - shown.value)}
            </button>
          )}
        </div>
      )}
    </details>
  );
}

function Label({ label }: { readonly label: string | undefined }): JSX.Element | null {
  return label === undefined ? null : (
    <span class="json-key">
      <bdi>{label}</bdi>:{" "}
    </span>
  );
}

function Leaf({ value }: { readonly value: unknown }): JSX.Element {
  return <bdi class={typeof value === "string" ? "json-text" : "json-other"}>{JSON.stringify(value)}</bdi>;
}
