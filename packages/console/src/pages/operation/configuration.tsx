import type { JSX } from "preact";
import { showConfiguration, type Setting } from "../../api/operation.js";
import { Choice } from "../../parts/choice.js";
import { FailureNotice } from "../../parts/failure-notice.js";
import { SearchField } from "../../parts/search-field.js";
import { SkeletonRows } from "../../parts/skeleton.js";
import { useResource } from "../../state/resource.js";
import { choose, route } from "../../state/route.js";
import { texts } from "../../text/index.js";

const words = texts.operation;
const VIEWS = ["given", "everything"] as const;

/** What the registry runs with, and where each value comes from. */
export function Configuration(): JSX.Element {
  const { resource, reload } = useResource("configuration", showConfiguration);
  const { value } = resource;
  return (
    <section>
      <h2>{words.configuration}</h2>
      <p class="quiet">{words.configurationWhat}</p>
      {value.state === "loading" && <SkeletonRows />}
      {value.state === "failed" &&
        (value.failure.kind === "unsupported" ? (
          <p class="quiet">{words.noConfiguration}</p>
        ) : (
          <FailureNotice failure={value.failure} retry={reload} />
        ))}
      {value.state === "done" && <Settings settings={value.value} />}
    </section>
  );
}

function Settings({ settings }: { readonly settings: readonly Setting[] }): JSX.Element {
  const { search = "", defaults } = route.value.query;
  const view = defaults === "true" ? "everything" : "given";
  const wanted = search.toLowerCase();
  const shown = settings.filter(
    ({ path, value = "", origin }) =>
      (view === "everything" || origin !== "default") &&
      (wanted === "" || path.toLowerCase().includes(wanted) || value.toLowerCase().includes(wanted)),
  );
  return (
    <>
      <div class="toolbar">
        <SearchField label={words.search} value={search} onInput={(next) => choose({ search: next })} />
        <Choice
          label={words.view}
          options={VIEWS.map((each) => ({ value: each, label: words[each] }))}
          value={view}
          onChange={(next) => choose({ defaults: next === "everything" ? "true" : undefined })}
        />
        <span class="quiet" role="status">
          {words.count(shown.length)}
        </span>
      </div>
      {shown.length === 0 ? (
        <p class="nothing">{words.nothing(search)}</p>
      ) : (
        <dl class="settings">
          {shown.map((setting) => (
            <SettingRow key={setting.path} setting={setting} />
          ))}
        </dl>
      )}
    </>
  );
}

function SettingRow({ setting }: { readonly setting: Setting }): JSX.Element {
  const { path, value, isHidden, origin, variable, file, line } = setting;
  const from =
    origin === "default" ? words.default : (variable ?? (file === undefined ? origin : words.line(file, line)));
  return (
    <div class="setting-row">
      <dt>
        <bdi>{path}</bdi>
      </dt>
      <dd>
        {isHidden ? (
          <span class="quiet">{words.hidden}</span>
        ) : value === undefined || value === "" ? (
          <span class="quiet">{words.empty}</span>
        ) : (
          <bdi>{value}</bdi>
        )}
      </dd>
      <dd class="origin">
        <bdi>{from}</bdi>
      </dd>
    </div>
  );
}
