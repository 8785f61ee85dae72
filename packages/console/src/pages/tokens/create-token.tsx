import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { ApiFailure } from "../../api/failure.js";
import { createToken, type NewToken } from "../../api/tokens.js";
import { formatScope, isPattern, isRobotName, PERMISSIONS, tomorrow, type Scope } from "../../lib/token-wish.js";
import { Choice } from "../../parts/choice.js";
import { Dialog } from "../../parts/dialog.js";
import { FailureNotice } from "../../parts/failure-notice.js";
import { failureOf } from "../../state/resource.js";
import { texts } from "../../text/index.js";

const words = texts.tokens;
const HOLDERS = ["own", "robot"] as const;
/** Days, the registry's default (90 days, or as long as it allows), a date, or no end. */
const LIFETIMES = ["7d", "30d", "default", "365d", "date", "never"] as const;
type Lifetime = (typeof LIFETIMES)[number];
const NO_SCOPE: Scope = { pattern: "", may: "pull" };
/** As many as the registry takes. */
const MOST_SCOPES = 100;

/** Asks what a new token shall be good for. */
export function CreateToken({
  account,
  canMakeRobots,
  onClose,
}: {
  readonly account: string;
  readonly canMakeRobots: boolean;
  readonly onClose: (created: NewToken | undefined) => void;
}): JSX.Element {
  const holder = useSignal<(typeof HOLDERS)[number]>("own");
  const lifetime = useSignal<Lifetime>("default");
  const scopes = useSignal<readonly Scope[]>([NO_SCOPE]);
  const isBusy = useSignal(false);
  const failure = useSignal<ApiFailure | undefined>(undefined);
  const isRobot = holder.value === "robot";

  const submit = async (form: HTMLFormElement): Promise<void> => {
    const data = new FormData(form);
    const field = (name: string): string => {
      const value = data.get(name);
      return typeof value === "string" ? value.trim() : "";
    };
    const limits = scopes.peek().filter(({ pattern }) => pattern !== "");
    isBusy.value = true;
    failure.value = undefined;
    try {
      const created = await createToken({
        name: field("name"),
        robot: isRobot ? field("robot") : undefined,
        scopes: limits.length === 0 ? undefined : limits.map(formatScope),
        expires:
          lifetime.peek() === "date" ? field("date") : lifetime.peek() === "default" ? undefined : lifetime.peek(),
      });
      onClose(created);
    } catch (error) {
      failure.value = failureOf(error);
      isBusy.value = false;
    }
  };
  const change = (index: number, next: Scope): void => {
    scopes.value = scopes.peek().map((each, at) => (at === index ? next : each));
  };
  return (
    <Dialog title={words.createTitle} onClose={() => onClose(undefined)}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void submit(event.currentTarget);
        }}
      >
        {canMakeRobots && (
          <Choice
            label={words.holder}
            options={HOLDERS.map((value) => ({
              value,
              label: value === "own" ? words.forMe(account) : words.forRobot,
            }))}
            value={holder.value}
            onChange={(next) => (holder.value = next)}
          />
        )}
        {isRobot && (
          <label>
            {words.robot}
            <input
              class="input"
              name="robot"
              required
              autocapitalize="off"
              autocomplete="off"
              spellcheck={false}
              onInput={({ currentTarget: input }) =>
                input.setCustomValidity(isRobotName(input.value.trim()) ? "" : words.noRobot)
              }
            />
            <span class="hint">{words.robotHint}</span>
          </label>
        )}
        <label>
          {words.nameLabel}
          <input
            class="input"
            name="name"
            maxLength={200}
            required
            autocomplete="off"
            placeholder={words.nameExample}
          />
        </label>
        <label>
          {words.expires}
          <select
            value={lifetime.value}
            onChange={({ currentTarget: { value } }) =>
              (lifetime.value = LIFETIMES.find((each) => each === value) ?? "default")
            }
          >
            {LIFETIMES.map((each) => (
              <option key={each} value={each}>
                {words.lifetimes[each]}
              </option>
            ))}
          </select>
        </label>
        {lifetime.value === "date" && (
          <label>
            {words.date}
            <input class="input" type="date" name="date" min={tomorrow(Date.now())} max="9999-12-31" required />
          </label>
        )}
        <fieldset>
          <legend>{words.limits}</legend>
          <p class="hint">{isRobot ? words.robotLimitsHint : words.limitsHint}</p>
          {scopes.value.map((scope, index) => (
            <div key={index} class="scope">
              <input
                class="input"
                aria-label={words.pattern}
                placeholder={words.patternExample}
                value={scope.pattern}
                autocapitalize="off"
                autocomplete="off"
                spellcheck={false}
                onInput={({ currentTarget: input }) => {
                  const pattern = input.value.trim();
                  input.setCustomValidity(pattern === "" || isPattern(pattern) ? "" : words.noPattern);
                  change(index, { ...scope, pattern });
                }}
              />
              <select
                aria-label={words.permission}
                value={scope.may}
                onChange={({ currentTarget: { value } }) =>
                  change(index, { ...scope, may: PERMISSIONS.find((each) => each === value) ?? "pull" })
                }
              >
                {PERMISSIONS.map((each) => (
                  <option key={each} value={each}>
                    {words.permissions[each]}
                  </option>
                ))}
              </select>
            </div>
          ))}
          {scopes.value.length < MOST_SCOPES && scopes.value.at(-1)?.pattern !== "" && (
            <button type="button" class="link" onClick={() => (scopes.value = [...scopes.peek(), NO_SCOPE])}>
              {words.moreLimits}
            </button>
          )}
        </fieldset>
        {failure.value !== undefined && <Refusal failure={failure.value} />}
        <div class="actions">
          <button type="submit" class="button strong" disabled={isBusy.value}>
            {words.confirm}
          </button>
          <button type="button" class="button" onClick={() => onClose(undefined)}>
            {texts.cancel}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** The registry's own words where they say what is wrong with the wish, such as a lifetime that it doesn't allow. */
function Refusal({ failure }: { readonly failure: ApiFailure }): JSX.Element {
  const { kind, status, message, detail } = failure;
  if (status !== 400 && kind !== "forbidden") return <FailureNotice failure={failure} />;
  return (
    <p class="lost" role="alert">
      <bdi>{detail ?? message}</bdi>
    </p>
  );
}
