import type { Platform } from "@longshore/storage";
import type { Answer } from "../answers.js";

/** A descriptor's platform as the API shows it. */
export function shownPlatform({ os, architecture, variant, "os.version": osVersion }: Platform): ShownPlatform {
  return {
    os,
    architecture,
    ...(variant === undefined ? {} : { variant }),
    ...(osVersion === undefined ? {} : { osVersion }),
  };
}

type ShownPlatform = NonNullable<NonNullable<Answer<"Image">["manifests"]>[number]["platform"]>;
