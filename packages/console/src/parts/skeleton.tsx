import type { JSX } from "preact";
import { texts } from "../text/index.js";

/** What a list looks like before it is there. */
export function SkeletonRows({ count = 8 }: { readonly count?: number }): JSX.Element {
  return (
    <div class="skeletons" role="status" aria-label={texts.loading}>
      {Array.from({ length: count }, (_, index) => (
        <div key={index} class="skeleton-row">
          <span class="skeleton" />
          <span class="skeleton short" />
        </div>
      ))}
    </div>
  );
}
