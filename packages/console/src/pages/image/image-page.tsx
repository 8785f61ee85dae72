import type { JSX } from "preact";
import "../../style/image.css";
import { showImage, type Child, type Image } from "../../api/image.js";
import { cosignTag, formatPlatform, isKnownPlatform, kindOf, shortDigest } from "../../lib/artifact.js";
import { clientsFor } from "../../lib/commands.js";
import { formatRoute, type Reference } from "../../lib/route.js";
import { Choice } from "../../parts/choice.js";
import { Command, CopyButton } from "../../parts/copy.js";
import { Crumbs } from "../../parts/crumbs.js";
import { FailureNotice } from "../../parts/failure-notice.js";
import { SkeletonRows } from "../../parts/skeleton.js";
import { Bytes } from "../../parts/values.js";
import { client, commandFor } from "../../state/client.js";
import { useResource } from "../../state/resource.js";
import { choose, route } from "../../state/route.js";
import { texts } from "../../text/index.js";
import { ManifestView } from "./manifest-view.js";

const words = texts.image;

/** A manifest by its tag or digest; of an index, also the manifest of one platform. */
export function ImagePage({ reference }: { readonly reference: Reference }): JSX.Element {
  const { name } = reference;
  const wanted = reference.digest ?? reference.tag ?? "";
  const { resource, reload } = useResource(`${name} ${wanted}`, (signal) => showImage(name, wanted, signal));
  const { value } = resource;
  return (
    <section>
      <Crumbs name={name} isLink />
      <div class="page-head">
        <h1>
          <bdi>
            <span class="prefix">{name}</span>
            {reference.tag === undefined ? `@${shortDigest(wanted)}` : `:${reference.tag}`}
          </bdi>
        </h1>
      </div>
      {value.state === "loading" && <SkeletonRows />}
      {value.state === "failed" && <FailureNotice failure={value.failure} retry={reload} />}
      {value.state === "done" && <Found reference={reference} image={value.value} />}
    </section>
  );
}

function Found({ reference, image }: { readonly reference: Reference; readonly image: Image }): JSX.Element {
  const { name, digest, artifactType, config, manifests } = image;
  const kind = kindOf({ ...image, platforms: manifests }, config?.mediaType);
  const clients = clientsFor(kind);
  const chosen = clients.find((each) => each === client.value) ?? clients[0];
  const cosign = reference.tag === undefined ? undefined : cosignTag(reference.tag);
  return (
    <>
      <p class="facts">
        <span>{texts.kinds[kind]}</span>
        {image.totalSize !== undefined && <Bytes value={image.totalSize} />}
        <span>
          <code title={digest}>{shortDigest(digest)}</code>
          <CopyButton value={digest} what={texts.things.digest} />
        </span>
        {artifactType !== undefined && kind !== "image" && (
          <code>
            <bdi>{artifactType}</bdi>
          </code>
        )}
        <a href={formatRoute({ kind: "compare" }, { left: `${name}${suffixOf(reference)}` })}>{words.compare}</a>
      </p>
      {(image.subject ?? cosign) !== undefined && (
        <p class="about">
          {words.about}{" "}
          <a
            href={formatRoute({
              kind: "image",
              reference: { name, digest: image.subject?.digest ?? cosign?.subject ?? "" },
            })}
          >
            {shortDigest(image.subject?.digest ?? cosign?.subject ?? "")}
          </a>
        </p>
      )}
      <div class="pull">
        <Choice
          label={texts.repository.commandsOf}
          options={clients.map((value) => ({ value, label: value }))}
          value={chosen}
          onChange={(next) => (client.value = next)}
        />
        <Command value={commandFor(kind, reference)} what={texts.things.command} />
      </div>
      {manifests === undefined ? (
        <ManifestView image={image} subjects={[digest]} />
      ) : (
        <IndexView image={image} manifests={manifests} />
      )}
    </>
  );
}

function suffixOf({ tag, digest }: Reference): string {
  return tag === undefined ? `@${digest ?? ""}` : `:${tag}`;
}

/** The digest that an attestation of BuildKit's is about; undefined if it is none. */
function attestedBy({ annotations }: Child): string | undefined {
  return annotations?.["vnd.docker.reference.type"] === "attestation-manifest"
    ? annotations["vnd.docker.reference.digest"]
    : undefined;
}

/** The platforms of an index side by side, and what the chosen one is made of. */
function IndexView({ image, manifests }: { readonly image: Image; readonly manifests: readonly Child[] }): JSX.Element {
  const attestations = manifests.filter((child) => attestedBy(child) !== undefined);
  const runnable = manifests.filter((child) => attestedBy(child) === undefined);
  const wanted = route.value.query["platform"];
  const chosen = runnable.find(({ digest }) => digest === wanted) ?? runnable[0];
  const { resource, reload } = useResource(`${image.name} ${chosen?.digest ?? ""}`, (signal) =>
    chosen === undefined ? Promise.resolve(undefined) : showImage(image.name, chosen.digest, signal),
  );
  const { value } = resource;
  return (
    <>
      <div class="platform-cards" role="group" aria-label={texts.repository.platforms}>
        {runnable.map((child) => (
          <PlatformCard
            key={child.digest}
            child={child}
            isChosen={child.digest === chosen?.digest}
            attestations={attestations.filter((each) => attestedBy(each) === child.digest).length}
          />
        ))}
      </div>
      {value.state === "loading" && <SkeletonRows />}
      {value.state === "failed" && <FailureNotice failure={value.failure} retry={reload} />}
      {value.state === "done" && value.value !== undefined && (
        <ManifestView
          key={value.value.digest}
          image={value.value}
          index={image}
          subjects={[image.digest, value.value.digest]}
          attestations={attestations.filter((each) => attestedBy(each) === chosen?.digest)}
        />
      )}
      {runnable.length === 0 && <ManifestView image={image} subjects={[image.digest]} />}
    </>
  );
}

function PlatformCard({
  child,
  isChosen,
  attestations,
}: {
  readonly child: Child;
  readonly isChosen: boolean;
  readonly attestations: number;
}): JSX.Element {
  const { platform, digest, mediaType } = child;
  const label = platform !== undefined && isKnownPlatform(platform) ? formatPlatform(platform) : mediaType;
  return (
    <button type="button" class="card" aria-pressed={isChosen} onClick={() => choose({ platform: digest })}>
      <bdi class="card-name">{label}</bdi>
      <code>{shortDigest(digest)}</code>
      {attestations > 0 && <span>{words.attestations(attestations)}</span>}
    </button>
  );
}
