/** One event of a stream (HTML standard §9.2, Server-sent events). */
interface StreamEvent {
  readonly name: string;
  readonly data: string;
  /** Where to go on after it; undefined: it has no place. */
  readonly id: string | undefined;
}

/** What a stream has told so far. */
export interface StreamReader {
  /** Takes the next part of the text, wherever it was cut; returns the events that are complete. */
  read(part: string): readonly StreamEvent[];
  /** The place of what was told last; undefined: none has a place. */
  readonly lastId: string | undefined;
}

/** The longest line that is kept (characters): the registry sends far less. */
const LONGEST = 100_000;

/** Reads what the registry streams. Throws RangeError for a line that no event of it could have. */
export function createStreamReader(lastId: string | undefined): StreamReader {
  let rest = "";
  let place = lastId;
  let name = "";
  let data: string[] = [];

  function take(line: string): StreamEvent | undefined {
    if (line === "") {
      const event =
        data.length === 0 ? undefined : { name: name === "" ? "message" : name, data: data.join("\n"), id: place };
      name = "";
      data = [];
      return event;
    }
    const [field = "", value = ""] = /^([^:]*):? ?(.*)$/s.exec(line)?.slice(1) ?? [];
    if (field === "event") name = value;
    else if (field === "data") data.push(value);
    else if (field === "id") place = value;
    return undefined;
  }

  return {
    read(part) {
      const lines = `${rest}${part}`.split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > LONGEST) throw new RangeError("a line of the stream is too long");
      return lines.flatMap((line) => take(line.replace(/\r$/, "")) ?? []);
    },
    get lastId() {
      return place;
    },
  };
}
