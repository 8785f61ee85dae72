import type { DocumentedFlag } from "./command.js";

/** Transfers at the same time, unless `--jobs` says otherwise. */
export const JOBS = 6;

/** The flags that every copy has. */
export const COPY_FLAGS: readonly DocumentedFlag[] = [
  { name: "dry-run", short: "d", meaning: "print what would be copied without copying anything" },
  { name: "full", meaning: "check everything again, even below unchanged tags" },
  { name: "quiet", short: "q", meaning: "print neither progress nor a line for each tag" },
];

/** Which of a copy's two registries. */
export type Side = "source" | "destination";

/** The flags that say how a registry is reached. */
export function remoteFlags(side: Side): readonly DocumentedFlag[] {
  return [
    {
      name: `${side}-username`,
      value: "user",
      meaning: `user at the ${side}; or $MIRROR_${side.toUpperCase()}_USERNAME`,
    },
    {
      name: `${side}-password-file`,
      value: "file",
      meaning: `file with the password; or the password in $MIRROR_${side.toUpperCase()}_PASSWORD`,
    },
    { name: `${side}-ca`, value: "file", meaning: `certificate authority of the ${side}, in addition to the system's` },
    { name: `${side}-certificate`, value: "file", meaning: `client certificate for the ${side}` },
    { name: `${side}-key`, value: "file", meaning: "key of that certificate" },
    { name: `${side}-insecure`, meaning: `accept any certificate of the ${side}` },
  ];
}
