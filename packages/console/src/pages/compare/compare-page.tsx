import type { JSX } from "preact";
import "../../style/image.css";
import { showImage, type Descriptor, type Image } from "../../api/image.js";
import { formatPlatform, isKnownPlatform, shortDigest } from "../../lib/artifact.js";
import { compareLayers, differences, namedValues, type Difference } from "../../lib/comparison.js";
import { parseReference } from "../../lib/route.js";
import { FailureNotice } from "../../parts/failure-notice.js";
import { SkeletonRows } from "../../parts/skeleton.js";
import { Bytes } from "../../parts/values.js";
import { useResource } from "../../state/resource.js";
import { choose, route } from "../../state/route.js";
import { texts } from "../../text/index.js";

const words = texts.comparison;

/** Two images side by side: layers, environment, labels, sizes. */
export function ComparePage(): JSX.Element {
  const { left = "", right = "" } = route.value.query;
  return (
    <section>
      <div class="page-head">
        <h1>{texts.pages.compare}</h1>
      </div>
      <form
        class="compare-form"
        key={`${left} ${right}`}
        onSubmit={(event) => {
          event.preventDefault();
          const data = new FormData(event.currentTarget);
          choose({ left: fieldOf(data, "left"), right: fieldOf(data, "right") });
        }}
      >
        <ReferenceField name="left" label={words.left} value={left} />
        <ReferenceField name="right" label={words.right} value={right === "" ? beginningOf(left) : right} />
        <button type="submit" class="button strong">
          {words.compare}
        </button>
      </form>
      {left !== "" && right !== "" && <Comparison key={`${left} ${right}`} left={left} right={right} />}
    </section>
  );
}

/** What two tags of a repository have in common. */
function beginningOf(reference: string): string {
  const name = parseReference(reference)?.name;
  return name === undefined ? "" : `${name}:`;
}

function ReferenceField(properties: {
  readonly name: string;
  readonly label: string;
  readonly value: string;
}): JSX.Element {
  const { name, label, value } = properties;
  const check = (input: HTMLInputElement | null): void =>
    input?.setCustomValidity(parseReference(input.value.trim()) === undefined ? words.noReference : "");
  return (
    <label>
      {label}
      <input
        class="input"
        name={name}
        value={value}
        placeholder="team/app:1.0"
        spellcheck={false}
        ref={check}
        onInput={({ currentTarget }) => check(currentTarget)}
      />
    </label>
  );
}

function fieldOf(data: FormData, name: string): string {
  const value = data.get(name);
  return typeof value === "string" ? value.trim() : "";
}

/** The image, or of an index the child that `platform` names, or its first. */
async function resolve(text: string, platform: string | undefined, signal: AbortSignal): Promise<Image> {
  const reference = parseReference(text);
  if (reference === undefined) throw new RangeError(words.noReference);
  const { name, tag, digest } = reference;
  const image = await showImage(name, digest ?? tag ?? "latest", signal);
  if (image.manifests === undefined) return image;
  const known = image.manifests.filter((child) => child.platform !== undefined && isKnownPlatform(child.platform));
  const child = known.find((each) => formatPlatform(each.platform ?? {}) === platform) ?? known[0];
  return child === undefined ? image : showImage(name, child.digest, signal);
}

function Comparison({ left, right }: { readonly left: string; readonly right: string }): JSX.Element {
  const { resource, reload } = useResource(`${left} ${right}`, async (signal) => {
    const first = await resolve(left, route.peek().query["platform"], signal);
    const platform = first.image?.platform;
    return [
      first,
      await resolve(right, platform === undefined ? undefined : formatPlatform(platform), signal),
    ] as const;
  });
  const { value } = resource;
  if (value.state === "loading") return <SkeletonRows />;
  if (value.state === "failed") return <FailureNotice failure={value.failure} retry={reload} />;
  const [a, b] = value.value;
  const { common, onlyLeft, onlyRight } = compareLayers(a.layers ?? [], b.layers ?? []);
  const growth = (b.totalSize ?? 0) - (a.totalSize ?? 0);
  return (
    <div class="sections">
      <p class="lead">
        {a.digest === b.digest ? (
          words.same
        ) : growth === 0 ? (
          words.sameSize
        ) : (
          <>
            {words.growth(growth)} <Bytes value={Math.abs(growth)} />
          </>
        )}
      </p>
      <section>
        <h2>{words.layers(common.length)}</h2>
        <div class="two">
          <LayerList title={words.onlyIn(left)} layers={onlyLeft} />
          <LayerList title={words.onlyIn(right)} layers={onlyRight} />
        </div>
      </section>
      <Differences
        title={texts.configuration.runs}
        left={left}
        right={right}
        rows={differences(settingsOf(a), settingsOf(b))}
      />
      <Differences
        title={texts.configuration.env}
        left={left}
        right={right}
        rows={differences(namedValues(a.image?.env ?? []), namedValues(b.image?.env ?? []))}
      />
      <Differences
        title={texts.configuration.labels}
        left={left}
        right={right}
        rows={differences(a.image?.labels ?? {}, b.image?.labels ?? {})}
      />
    </div>
  );
}

function settingsOf({ image }: Image): Readonly<Record<string, string>> {
  const { entrypoint = [], cmd = [], user = "", workingDir = "", exposedPorts = [], platform } = image ?? {};
  const { configuration } = texts;
  return {
    [configuration.platform]: platform === undefined ? "" : formatPlatform(platform),
    [configuration.entrypoint]: entrypoint.join(" "),
    [configuration.command]: cmd.join(" "),
    [configuration.user]: user,
    [configuration.workingDir]: workingDir,
    [configuration.ports]: exposedPorts.join(", "),
  };
}

function LayerList({ title, layers }: { readonly title: string; readonly layers: readonly Descriptor[] }): JSX.Element {
  return (
    <div>
      <h3>
        <bdi>{title}</bdi>
      </h3>
      {layers.length === 0 ? (
        <p class="quiet">{texts.none}</p>
      ) : (
        <ul>
          {layers.map(({ digest, size }, index) => (
            <li key={`${digest} ${index}`}>
              <code title={digest}>{shortDigest(digest)}</code> <Bytes value={size} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Differences({
  title,
  left,
  right,
  rows,
}: {
  readonly title: string;
  readonly left: string;
  readonly right: string;
  readonly rows: readonly Difference[];
}): JSX.Element {
  return (
    <section>
      <h2>{title}</h2>
      {rows.length === 0 ? (
        <p class="quiet">{words.noDifference}</p>
      ) : (
        <div class="scroll-x" tabIndex={0} role="region" aria-label={title}>
          <table class="plain differences">
            <thead>
              <tr>
                <th scope="col">{texts.columns.name}</th>
                <th scope="col">
                  <bdi>{left}</bdi>
                </th>
                <th scope="col">
                  <bdi>{right}</bdi>
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map(({ key, ...each }) => (
                <tr key={key}>
                  <th scope="row">
                    <bdi>{key}</bdi>
                  </th>
                  <td>{each.left === undefined ? <i>{words.absent}</i> : <bdi>{each.left}</bdi>}</td>
                  <td>{each.right === undefined ? <i>{words.absent}</i> : <bdi>{each.right}</bdi>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
