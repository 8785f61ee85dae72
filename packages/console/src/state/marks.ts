import { signal, type ReadonlySignal } from "@preact/signals";
import { showImage } from "../api/image.js";
import { listReferrers } from "../api/referrers.js";
import type { Tag } from "../api/tags.js";
import { kindOf, type ArtifactKind } from "../lib/artifact.js";

/** What a list of tags doesn't say, and a row shows as soon as it is known. */
export interface Marks {
  readonly kind: ArtifactKind;
  readonly isSigned: boolean;
  readonly hasSbom: boolean;
}

/** So many rows are asked about at a time. */
const AT_ONCE = 4;

/** Asks about the manifests of a repository that come into sight, each once. */
export function createMarks(name: string): {
  of(tag: Tag): ReadonlySignal<Marks | undefined>;
  close(): void;
} {
  const known = new Map<string, ReadonlySignal<Marks | undefined>>();
  const waiting: (() => Promise<void>)[] = [];
  const controller = new AbortController();
  let running = 0;

  const next = (): void => {
    while (running < AT_ONCE) {
      const work = waiting.shift();
      if (work === undefined) return;
      running += 1;
      void work().finally(() => {
        running -= 1;
        next();
      });
    }
  };

  const read = async (tag: Tag): Promise<Marks | undefined> => {
    try {
      const referrers = await listReferrers(name, tag.digest, controller.signal);
      const isPlain = kindOf(tag) !== "other" || tag.artifactType !== undefined;
      const config = isPlain ? undefined : (await showImage(name, tag.digest, controller.signal)).config?.mediaType;
      return {
        kind: kindOf(tag, config),
        isSigned: referrers.some(({ kind }) => kind === "signature"),
        hasSbom: referrers.some(({ kind }) => kind === "sbom"),
      };
    } catch {
      // The row is complete without it; what is wrong shows where the image is opened.
      return undefined;
    }
  };

  return {
    of(tag) {
      const before = known.get(tag.digest);
      if (before !== undefined) return before;
      const marks = signal<Marks | undefined>(undefined);
      known.set(tag.digest, marks);
      waiting.push(async () => {
        if (!controller.signal.aborted) marks.value = await read(tag);
      });
      next();
      return marks;
    },
    close: () => controller.abort(),
  };
}
