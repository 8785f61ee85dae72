import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { formatCount } from "../../lib/bytes.js";
import type { Sbom } from "../../lib/sbom.js";
import { Time } from "../../parts/values.js";
import { texts } from "../../text/index.js";

const words = texts.sbom;
/** So many packages are shown at a time. */
const PAGE = 200;

/** The packages of a bill of materials, searched by name, version, licence or address. */
export function SbomTable({ sbom }: { readonly sbom: Sbom }): JSX.Element {
  const search = useSignal("");
  const shown = useSignal(PAGE);
  const wanted = search.value.toLowerCase();
  const found = sbom.components.filter(({ name, version, licence, purl }) =>
    `${name} ${version} ${licence} ${purl}`.toLowerCase().includes(wanted),
  );
  return (
    <>
      <p class="facts">
        <bdi>{sbom.format}</bdi>
        <span>{words.count(sbom.components.length)}</span>
        <Time value={sbom.created} />
      </p>
      <input
        type="search"
        class="input"
        aria-label={words.search}
        placeholder={words.search}
        onInput={({ currentTarget }) => (search.value = currentTarget.value)}
      />
      <p class="for-ears" role="status">
        {wanted === "" ? "" : words.count(found.length)}
      </p>
      <div class="scroll-x" tabIndex={0} role="region" aria-label={`${words.title}: ${sbom.subject} ${sbom.format}`}>
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">{words.name}</th>
              <th scope="col">{words.version}</th>
              <th scope="col">{words.licence}</th>
              <th scope="col">{words.purl}</th>
            </tr>
          </thead>
          <tbody>
            {found.slice(0, shown.value).map((each, index) => (
              <tr key={index}>
                <td>
                  <bdi>{each.name}</bdi>
                </td>
                <td>
                  <bdi>{each.version}</bdi>
                </td>
                <td>
                  <bdi>{each.licence === "" ? texts.notSet : each.licence}</bdi>
                </td>
                <td class="quiet">
                  <bdi>{each.purl}</bdi>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {found.length > shown.value && (
        <button type="button" class="link" onClick={() => (shown.value += PAGE)}>
          {words.more(formatCount(found.length - shown.value))}
        </button>
      )}
    </>
  );
}
