import { invalid } from "./json.js";

/** An object whose members a registry acts on. */
type Shape = "manifest" | "descriptor" | "platform";

interface Member {
  readonly name: string;
  /** What its value is, or the items of its list. */
  readonly below?: Shape | undefined;
}

const MEMBERS: Readonly<Record<Shape, ReadonlyMap<string, Member>>> = {
  manifest: members(["schemaVersion", "mediaType", "artifactType", "annotations"], {
    config: "descriptor",
    layers: "descriptor",
    manifests: "descriptor",
    subject: "descriptor",
  }),
  descriptor: members(["mediaType", "digest", "size", "urls", "annotations", "data", "artifactType"], {
    platform: "platform",
  }),
  platform: members(["architecture", "os", "os.version", "os.features", "variant"], {}),
};

function members(names: readonly string[], nested: Readonly<Record<string, Shape>>): ReadonlyMap<string, Member> {
  const plain: readonly Member[] = names.map((name) => ({ name }));
  const rest: readonly Member[] = Object.entries(nested).map(([name, below]) => ({ name, below }));
  return new Map([...plain, ...rest].map((member) => [fold(member.name), member]));
}

/** As Go's JSON reader compares names: it also takes the Kelvin sign for a k and the long s for an s. */
function fold(name: string): string {
  return name.toUpperCase().toLowerCase();
}

interface Frame {
  readonly isObject: boolean;
  readonly shape: Shape | undefined;
  readonly seen: Set<string> | undefined;
  expectsKey: boolean;
  below: Shape | undefined;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Throws MANIFEST_INVALID if readers could disagree about what the JSON document `bytes` says (CVE-2021-41190): where a member
 * that a registry acts on is repeated, or stands there in another case. Clients written in Go take `Layers` for `layers`; a
 * registry that doesn't would neither check nor keep what they go on to pull. `bytes` hold valid JSON.
 */
export function checkUnambiguous(bytes: Uint8Array): void {
  const stack: Frame[] = [];
  let top: Frame | undefined;
  const push = (isObject: boolean): void => {
    const below = top === undefined ? "manifest" : top.below;
    // Of a list within a list nothing is known.
    const shape = isObject ? below : undefined;
    const items = isObject || top?.isObject !== true ? undefined : below;
    top = { isObject, shape, seen: shape && new Set(), expectsKey: isObject, below: items };
    stack.push(top);
  };
  for (let i = 0; i < bytes.length; i += 1) {
    switch (bytes[i]) {
      case QUOTE: {
        const end = endOfString(bytes, i + 1);
        if (top?.expectsKey === true) {
          top.expectsKey = false;
          top.below = undefined;
          if (top.shape !== undefined) enter(top, top.shape, keyOf(bytes, i, end));
        }
        i = end;
        break;
      }
      case 0x7b:
        push(true);
        break;
      case 0x5b:
        push(false);
        break;
      case 0x7d:
      case 0x5d:
        stack.pop();
        top = stack.at(-1);
        break;
      case 0x2c:
        if (top !== undefined) top.expectsKey = top.isObject;
        break;
      default:
        break;
    }
  }
}

function enter(frame: Frame, shape: Shape, name: string): void {
  const folded = fold(name);
  const member = MEMBERS[shape].get(folded);
  if (member === undefined) return;
  frame.below = member.below;
  if (name !== member.name) throw invalid(`${JSON.stringify(name)} must be spelled ${JSON.stringify(member.name)}`);
  if (frame.seen?.has(folded) === true) throw invalid(`${JSON.stringify(name)} is repeated in one object`);
  frame.seen?.add(folded);
}

/** The index of the quote that ends the string whose text begins at `from`. */
function endOfString(bytes: Uint8Array, from: number): number {
  let i = from;
  while (i < bytes.length && bytes[i] !== QUOTE) i += bytes[i] === BACKSLASH ? 2 : 1;
  return i;
}

function keyOf(bytes: Uint8Array, start: number, end: number): string {
  const literal = new TextDecoder().decode(bytes.subarray(start, end + 1));
  const key: unknown = JSON.parse(literal);
  return typeof key === "string" ? key : "";
}
