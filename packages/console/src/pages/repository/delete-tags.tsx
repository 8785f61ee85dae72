import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { allTags, deleteTag, type TagRemoval } from "../../api/tags.js";
import { shortDigest } from "../../lib/artifact.js";
import { planRemoval, type RemovalPlan } from "../../lib/removal.js";
import { Dialog } from "../../parts/dialog.js";
import { FailureNotice } from "../../parts/failure-notice.js";
import { SkeletonRows } from "../../parts/skeleton.js";
import { failureOf, useResource } from "../../state/resource.js";
import type { ApiFailure } from "../../api/failure.js";
import { texts } from "../../text/index.js";
import type { Selection } from "./selection.js";

const words = texts.deletion;
/** Requests at a time. */
const AT_ONCE = 4;

/** Deletes these tags one by one, or only asks what would happen. Stops at the first failure. */
async function deleteAll(
  name: string,
  tags: readonly string[],
  isDryRun: boolean,
  onStep: (done: number) => void,
): Promise<TagRemoval> {
  const removed: TagRemoval["removed"][number][] = [];
  const kept: TagRemoval["kept"][number][] = [];
  const waiting = [...tags];
  const work = async (): Promise<void> => {
    for (let tag = waiting.shift(); tag !== undefined; tag = waiting.shift()) {
      const answer = await deleteTag(name, tag, isDryRun);
      removed.push(...answer.removed);
      kept.push(...answer.kept);
      onStep(removed.length + kept.length);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { dryRun: isDryRun, removed, kept };
}

/** Says what a deletion would do before it does it. */
export function DeleteTags({
  name,
  selection,
  onClose,
}: {
  readonly name: string;
  readonly selection: Selection;
  readonly onClose: (isChanged: boolean) => void;
}): JSX.Element {
  const tags = [...selection.keys()];
  const failure = useSignal<ApiFailure | undefined>(undefined);
  const done = useSignal<number | undefined>(undefined);
  const { resource } = useResource(tags.join(" "), async (signal) => {
    const [dry, all] = await Promise.all([deleteAll(name, tags, true, () => undefined), allTags(name, signal)]);
    return planRemoval(dry, all);
  });
  const run = async (plan: RemovalPlan): Promise<void> => {
    done.value = 0;
    try {
      await deleteAll(
        name,
        plan.manifests.flatMap(({ removed }) => removed),
        false,
        (count) => (done.value = count),
      );
      onClose(true);
    } catch (error) {
      failure.value = failureOf(error);
      done.value = undefined;
    }
  };
  const { value } = resource;
  const plan = value.state === "done" ? value.value : undefined;
  return (
    <Dialog title={words.title(tags.length)} onClose={() => onClose(failure.value !== undefined)}>
      {value.state === "loading" && <SkeletonRows count={3} />}
      {value.state === "failed" && <FailureNotice failure={value.failure} />}
      {plan !== undefined && <Plan plan={plan} />}
      {failure.value !== undefined && <FailureNotice failure={failure.value} />}
      <div class="actions">
        {plan !== undefined && plan.manifests.length > 0 && (
          <button
            type="button"
            class="button danger"
            disabled={done.value !== undefined}
            onClick={() => void run(plan)}
          >
            {done.value === undefined ? words.confirm(plan.count) : words.progress(done.value, plan.count)}
          </button>
        )}
        <button type="button" class="button" onClick={() => onClose(failure.value !== undefined)}>
          {texts.cancel}
        </button>
      </div>
    </Dialog>
  );
}

function Plan({ plan }: { readonly plan: RemovalPlan }): JSX.Element {
  return (
    <div class="plan">
      {plan.manifests.length > 0 && <p>{words.explanation}</p>}
      <ul>
        {plan.manifests.map(({ digest, removed, siblings }) => (
          <li key={digest}>
            <p>
              {removed.map((tag, index) => (
                <span key={tag}>
                  {index > 0 && ", "}
                  <bdi class="gone">{tag}</bdi>
                </span>
              ))}{" "}
              <code class="quiet" title={digest}>
                {shortDigest(digest)}
              </code>
            </p>
            <p class={siblings.length === 0 ? "lost" : "quiet"}>
              {siblings.length === 0 ? words.unreachable : words.siblings(siblings)}
            </p>
          </li>
        ))}
        {plan.kept.map(({ tag, reason }) => (
          <li key={tag}>
            <p>
              <bdi>{tag}</bdi> <span class="quiet">{words.stays(reason)}</span>
            </p>
          </li>
        ))}
      </ul>
    </div>
  );
}
