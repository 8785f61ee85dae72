import type { JSX } from "preact";
import { texts } from "../text/index.js";
import { SearchIcon } from "./icons.js";

/** Searches while one writes. `/` comes here, and the arrow down goes from here into the list. */
export function SearchField({
  label,
  value,
  onInput,
}: {
  readonly label: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
}): JSX.Element {
  return (
    <div class="search">
      <SearchIcon />
      <input
        type="search"
        aria-label={label}
        title={texts.repositories.searchHint}
        placeholder={label}
        value={value}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        enterkeyhint="search"
        onInput={(event) => onInput(event.currentTarget.value.trim())}
        onKeyDown={enterList}
      />
      <kbd aria-hidden="true">/</kbd>
    </div>
  );
}

function enterList(event: KeyboardEvent): void {
  if (event.key !== "ArrowDown") return;
  const first = document.querySelector("[data-main]");
  if (!(first instanceof HTMLElement)) return;
  event.preventDefault();
  first.focus();
}
