import type { JSX } from "preact";
import { isRepositoryName } from "../../lib/grammar.js";
import { texts } from "../../text/index.js";
import { visit } from "../../state/route.js";

const words = texts.repositories;

/** For those who may not list the catalog, but may know what is in it. */
export function OpenByName(): JSX.Element {
  return (
    <form
      class="notice"
      onSubmit={(event) => {
        event.preventDefault();
        const name = new FormData(event.currentTarget).get("name");
        if (typeof name === "string" && name !== "") visit({ kind: "repository", name });
      }}
    >
      <h1>{words.title}</h1>
      <p>{words.forbidden}</p>
      <p class="field">
        <label for="repository-name">{words.nameLabel}</label>
        <input
          id="repository-name"
          name="name"
          required
          autocapitalize="off"
          spellcheck={false}
          onInput={({ currentTarget: input }) =>
            input.setCustomValidity(isRepositoryName(input.value) ? "" : words.noName)
          }
        />
        <button type="submit" class="button strong">
          {words.go}
        </button>
      </p>
    </form>
  );
}
