import type { JSX } from "preact";
import "../../style/usage.css";
import { listRepositories, type Repository } from "../../api/repositories.js";
import { showHistory, showUsage, type Usage, type UsageDay } from "../../api/usage.js";
import { formatCount } from "../../lib/bytes.js";
import { FailureNotice } from "../../parts/failure-notice.js";
import { SkeletonRows } from "../../parts/skeleton.js";
import { Bytes } from "../../parts/values.js";
import { useResource } from "../../state/resource.js";
import { texts } from "../../text/index.js";
import { Growth } from "./growth.js";
import { Maintenance } from "./maintenance.js";
import { Treemap } from "./treemap.js";

const words = texts.usage;
/** So many repositories have a place of their own in the picture. */
const LARGEST = 100;

/** What fills the storage, and what can be done about it. */
export function UsagePage(): JSX.Element {
  const { resource, reload } = useResource("usage", async (signal) => {
    const query = { search: "", sort: "size", isDescending: true } as const;
    const [usage, largest] = await Promise.all([
      showUsage(signal),
      listRepositories(query, LARGEST, undefined, signal),
    ]);
    // Afterwards: what was counted now is today's.
    return { usage, largest: largest.items, days: await showHistory(signal) };
  });
  const { value } = resource;
  return (
    <section>
      <div class="page-head">
        <h1>{texts.pages.usage}</h1>
      </div>
      {value.state === "loading" && <SkeletonRows />}
      {value.state === "failed" && <FailureNotice failure={value.failure} retry={reload} />}
      {value.state === "done" && <Found {...value.value} />}
      <Maintenance onDone={reload} />
    </section>
  );
}

function Found({
  usage,
  largest,
  days,
}: {
  readonly usage: Usage;
  readonly largest: readonly Repository[];
  readonly days: readonly UsageDay[];
}): JSX.Element {
  return (
    <>
      <p class="big">
        <Bytes value={usage.bytes} /> <span class="quiet">{words.stored}</span>
      </p>
      <p class="facts">
        <span>{texts.repositories.count(usage.repositories)}</span>
        <span>{texts.repositories.tags(usage.tags)}</span>
        <span>{texts.repository.manifests(usage.manifests)}</span>
        <span>
          {formatCount(usage.blobs)} {words.blobs}
        </span>
        {usage.logicalBytes > usage.bytes && (
          <span>
            <Bytes value={usage.logicalBytes - usage.bytes} />
            &nbsp;{words.saved}
          </span>
        )}
      </p>
      <h2>{words.growth}</h2>
      <Growth days={days} />
      {usage.repositories > 0 && (
        <>
          <h2>{words.byRepository}</h2>
          <p class="quiet">{words.sharedHint}</p>
          <Treemap repositories={largest} />
        </>
      )}
    </>
  );
}
