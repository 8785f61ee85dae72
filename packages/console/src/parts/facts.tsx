import type { ComponentChildren, JSX } from "preact";
import { SafeText } from "./safe-text.js";

/** Names and values, one in a line. */
export function Facts({ rows }: { readonly rows: readonly (readonly [string, ComponentChildren])[] }): JSX.Element {
  return (
    <dl class="fact-list">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>
            <bdi>{name}</bdi>
          </dt>
          <dd>{typeof value === "string" ? <SafeText value={value} /> : value}</dd>
        </div>
      ))}
    </dl>
  );
}
