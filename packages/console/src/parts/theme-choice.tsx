import type { JSX } from "preact";
import { theme, THEMES } from "../state/theme.js";
import { texts } from "../text/index.js";
import { MoonIcon, SunIcon, SystemIcon } from "./icons.js";

const ICONS = { system: SystemIcon, light: SunIcon, dark: MoonIcon } as const;

/** Goes from one choice to the next: as the system, light, dark. */
export function ThemeChoice(): JSX.Element {
  const current = theme.value;
  const Icon = ICONS[current];
  const label = `${texts.theme.label}: ${texts.theme[current]}`;
  const next = THEMES[(THEMES.indexOf(current) + 1) % THEMES.length] ?? "system";
  return (
    <button type="button" class="icon-button" aria-label={label} title={label} onClick={() => (theme.value = next)}>
      <Icon />
    </button>
  );
}
