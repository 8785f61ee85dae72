import { signal } from "@preact/signals";

const query = matchMedia("(max-width: 719px)");

/** Whether lists have two lines for each item, as on a phone. The style sheet asks the same. */
export const isNarrow = signal(query.matches);

query.addEventListener("change", () => {
  isNarrow.value = query.matches;
});
