import type { ComponentChildren, JSX } from "preact";

function Icon({ children }: { readonly children: ComponentChildren }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export const SearchIcon = (): JSX.Element => (
  <Icon>
    <circle cx="7" cy="7" r="4.25" />
    <path d="m10.3 10.3 3.2 3.2" />
  </Icon>
);

export const CopyIcon = (): JSX.Element => (
  <Icon>
    <rect x="5.5" y="5.5" width="8" height="8" rx="1.5" />
    <path d="M10.5 5.500V4A1.5 1.5 0 0 0 9 2.500H4A1.5 1.5 0 0 0 2.5 4v5A1.5 1.5 0 0 0 4 10.500h1.5" />
  </Icon>
);

export const CheckIcon = (): JSX.Element => (
  <Icon>
    <path d="m3 8.5 3.2 3.200L13 4.8" />
  </Icon>
);

export const FolderIcon = (): JSX.Element => (
  <Icon>
    <path d="M2 12.500v-9h4l1.5 2H14v7z" />
  </Icon>
);

export const FileIcon = (): JSX.Element => (
  <Icon>
    <path d="M3.500 2h5.500l3.500 3.500V14h-9zM9 2v3.500h3.500" />
  </Icon>
);

export const RightIcon = (): JSX.Element => (
  <Icon>
    <path d="m6 3.5 4.5 4.500L6 12.5" />
  </Icon>
);

export const LockIcon = (): JSX.Element => (
  <Icon>
    <rect x="3.5" y="7" width="9" height="6.5" rx="1.5" />
    <path d="M5.5 7V5a2.5 2.5 0 0 1 5 0v2" />
  </Icon>
);

export const SealIcon = (): JSX.Element => (
  <Icon>
    <circle cx="8" cy="8" r="5.75" />
    <path d="m5.5 8.2 1.8 1.8 3.2-3.7" />
  </Icon>
);

export const TerminalIcon = (): JSX.Element => (
  <Icon>
    <path d="m3 4.5 3.5 3.5L3 11.5M8 12h5" />
  </Icon>
);

export const UpIcon = (): JSX.Element => (
  <Icon>
    <path d="M8 12.500v-9M4.5 7 8 3.5 11.5 7" />
  </Icon>
);

export const DownIcon = (): JSX.Element => (
  <Icon>
    <path d="M8 3.500v9M4.5 9 8 12.5 11.5 9" />
  </Icon>
);

export const SunIcon = (): JSX.Element => (
  <Icon>
    <circle cx="8" cy="8" r="2.75" />
    <path d="M8 1.500v1.500M8 13v1.500M1.5 8H3M13 8h1.500M3.4 3.400l1.1 1.100M11.5 11.500l1.1 1.100M3.4 12.600l1.1-1.100M11.5 4.500l1.1-1.1" />
  </Icon>
);

export const MoonIcon = (): JSX.Element => (
  <Icon>
    <path d="M13.5 9.800A6 6 0 0 1 6.2 2.500a6 6 0 1 0 7.3 7.300z" />
  </Icon>
);

export const SystemIcon = (): JSX.Element => (
  <Icon>
    <circle cx="8" cy="8" r="5.75" />
    <path d="M8 2.250v11.500A5.75 5.75 0 0 0 8 2.250z" fill="currentColor" />
  </Icon>
);

/** The product's mark: containers above the water. */
export const Mark = (): JSX.Element => (
  <svg class="mark" viewBox="0 0 32 32" width="26" height="26" aria-hidden="true" focusable="false">
    <rect class="mark-ground" width="32" height="32" rx="7" />
    <path
      class="mark-lines"
      d="M7 21.500c2 0 2.2 1.5 4.5 1.500s2.5-1.5 4.5-1.5 2.2 1.5 4.5 1.5 2.5-1.5 4.5-1.500M8 17.500v-6h7v6M17 17.500v-9h7v9"
    />
  </svg>
);
