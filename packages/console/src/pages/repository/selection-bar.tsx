import type { Signal } from "@preact/signals";
import type { JSX } from "preact";
import { kindOf } from "../../lib/artifact.js";
import { CopyButton } from "../../parts/copy.js";
import { commandFor } from "../../state/client.js";
import { texts } from "../../text/index.js";
import type { Selection } from "./selection.js";

const words = texts.repository;

/** What can be done with the chosen tags. */
export function SelectionBar({
  name,
  selection,
  canDelete,
  onDelete,
}: {
  readonly name: string;
  readonly selection: Signal<Selection>;
  readonly canDelete: boolean;
  readonly onDelete: () => void;
}): JSX.Element | null {
  const chosen = [...selection.value.values()];
  if (chosen.length === 0) return null;
  return (
    <div class="selection" role="region" aria-label={words.selection}>
      <strong role="status">{words.selected(chosen.length)}</strong>
      <CopyButton
        value={chosen.map((item) => commandFor(kindOf(item), { name, tag: item.tag })).join("\n")}
        what={words.commands}
        isNamed
      />
      {canDelete && (
        <button type="button" class="button danger" onClick={onDelete}>
          {words.deleteTags}
        </button>
      )}
      <button type="button" class="link" onClick={() => (selection.value = new Map())}>
        {words.clear}
      </button>
    </div>
  );
}
