import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { texts } from "../text/index.js";
import { CheckIcon, CopyIcon } from "./icons.js";

/** How long a copy is confirmed (ms). */
const CONFIRMATION = 1600;

/** Puts a text into the clipboard. Over plain HTTP browsers have no clipboard API, but still the command. */
async function copyText(value: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(value);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = value;
    area.className = "off-screen";
    document.body.append(area);
    area.select();
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- the only way without HTTPS, which registries often lack
    const isCopied = document.execCommand("copy");
    area.remove();
    return isCopied;
  }
}

/** A button that copies `value`; `what` names it for those who don't see the icon, or for all (`isNamed`). */
export function CopyButton({
  value,
  what,
  icon = <CopyIcon />,
  isNamed = false,
}: {
  readonly value: string;
  readonly what: string;
  readonly icon?: JSX.Element;
  readonly isNamed?: boolean;
}): JSX.Element {
  const state = useSignal<"idle" | "copied" | "refused">("idle");
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const copy = async (): Promise<void> => {
    state.value = (await copyText(value)) ? "copied" : "refused";
    clearTimeout(timer.current);
    timer.current = setTimeout(() => (state.value = "idle"), CONFIRMATION);
  };
  const label = texts.copy(what);
  return (
    <span class="copy-place">
      <button
        type="button"
        class={isNamed ? "button" : "copy"}
        aria-label={isNamed ? undefined : label}
        title={label}
        onClick={() => void copy()}
      >
        {state.value === "copied" ? <CheckIcon /> : icon}
        {isNamed && label}
      </button>
      <span class="copied" role="status">
        {state.value === "copied" ? texts.copied : state.value === "refused" ? texts.cantCopy : ""}
      </span>
    </span>
  );
}

/** A command that is to be copied. */
export function Command({ value, what }: { readonly value: string; readonly what: string }): JSX.Element {
  return (
    <div class="command">
      <pre tabIndex={0} aria-label={what}>
        <code>{value}</code>
      </pre>
      <CopyButton value={value} what={what} />
    </div>
  );
}
