import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { showImage, type Child } from "../../api/image.js";
import { listReferrers, type Referrer } from "../../api/referrers.js";
import { shortDigest } from "../../lib/artifact.js";
import { formatRoute } from "../../lib/route.js";
import { FailureNotice } from "../../parts/failure-notice.js";
import { RightIcon } from "../../parts/icons.js";
import { SkeletonRows } from "../../parts/skeleton.js";
import { Bytes } from "../../parts/values.js";
import { useResource } from "../../state/resource.js";
import { texts } from "../../text/index.js";
import { ArtifactView } from "./artifact-view.js";

const words = texts.referrers;
/** What refers to a referrer, and so on: no further than this. */
const MOST_DEPTH = 4;

/** What refers to a manifest, and to that in turn; beside it what an index of BuildKit's lists about it. */
export function ReferrersView({
  name,
  subjects,
  attestations,
}: {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly attestations: readonly Child[];
}): JSX.Element {
  const listed = attestations.map(({ digest, size }) => ({
    kind: "attestation",
    digest,
    size,
    artifactType: undefined,
    tag: undefined,
  }));
  return <Referrers name={name} subjects={subjects} listed={listed} depth={0} />;
}

function Referrers({
  name,
  subjects,
  listed = [],
  depth,
}: {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly listed?: readonly Referrer[];
  readonly depth: number;
}): JSX.Element | null {
  const { resource, reload } = useResource(subjects.join(" "), async (signal) => {
    const found = await Promise.all(subjects.map((subject) => listReferrers(name, subject, signal)));
    return found.flat();
  });
  const { value } = resource;
  if (value.state === "loading") return <SkeletonRows count={depth === 0 ? 4 : 1} />;
  if (value.state === "failed") return <FailureNotice failure={value.failure} retry={reload} />;
  const found = [...value.value, ...listed];
  if (found.length === 0) return depth === 0 ? <p class="nothing">{words.none}</p> : null;
  return (
    <ul class="referrers">
      {found.map((referrer) => (
        <ReferrerNode key={referrer.digest} name={name} referrer={referrer} depth={depth} />
      ))}
    </ul>
  );
}

const KINDS = ["signature", "sbom", "attestation", "other"] as const;

function ReferrerNode({
  name,
  referrer,
  depth,
}: {
  readonly name: string;
  readonly referrer: Referrer;
  readonly depth: number;
}): JSX.Element {
  const isOpen = useSignal(false);
  const { digest, artifactType, size, tag } = referrer;
  const kind = KINDS.find((each) => each === referrer.kind) ?? "other";
  return (
    <li>
      <button
        type="button"
        class="referrer"
        data-main
        aria-expanded={isOpen.value}
        onClick={() => (isOpen.value = !isOpen.value)}
      >
        <RightIcon />
        <strong>{texts.kinds[kind]}</strong>
        <code class="quiet">
          <bdi>{artifactType ?? tag ?? ""}</bdi>
        </code>
        <code class="quiet">{shortDigest(digest)}</code>
        <span class="quiet">
          <Bytes value={size} />
        </span>
      </button>
      {isOpen.value && (
        <div class="referrer-inner">
          <Opened name={name} digest={digest} />
          {depth + 1 < MOST_DEPTH && <Referrers name={name} subjects={[digest]} depth={depth + 1} />}
        </div>
      )}
    </li>
  );
}

function Opened({ name, digest }: { readonly name: string; readonly digest: string }): JSX.Element {
  const { resource, reload } = useResource(`${name} ${digest}`, (signal) => showImage(name, digest, signal));
  const { value } = resource;
  if (value.state === "loading") return <SkeletonRows count={2} />;
  if (value.state === "failed") return <FailureNotice failure={value.failure} retry={reload} />;
  return (
    <>
      <p>
        <a href={formatRoute({ kind: "image", reference: { name, digest } })}>{words.open}</a>
      </p>
      <ArtifactView image={value.value} />
    </>
  );
}
