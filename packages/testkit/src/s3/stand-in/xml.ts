/** A value as XML: text, or elements in order; a list repeats its element. */
type XmlValue = string | number | boolean | XmlElements;
export interface XmlElements {
  readonly [name: string]: XmlValue | readonly XmlValue[] | undefined;
}

const NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";

/** A document with one root element. */
export function renderXml(root: string, elements: XmlElements, namespace = NAMESPACE): string {
  const opening = namespace === "" ? root : `${root} xmlns="${namespace}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${opening}>${renderElements(elements)}</${root}>`;
}

function renderElements(elements: XmlElements): string {
  return Object.entries(elements)
    .flatMap(([name, value]) => toList(value).map((each) => `<${name}>${renderValue(each)}</${name}>`))
    .join("");
}

function toList(value: XmlElements[string]): readonly XmlValue[] {
  if (value === undefined) return [];
  return isList(value) ? value : [value];
}

function isList(value: XmlValue | readonly XmlValue[]): value is readonly XmlValue[] {
  return Array.isArray(value);
}

function renderValue(value: XmlValue): string {
  return typeof value === "object" ? renderElements(value) : escapeText(String(value));
}

function escapeText(text: string): string {
  return text.replace(/[&<>"\r]/g, (found) => `&#${found.charCodeAt(0)};`);
}

/** An element that was read: its text, or the elements inside. */
export interface ReadElement {
  readonly name: string;
  readonly text: string;
  readonly children: readonly ReadElement[];
}

const TOKEN = /<\?[^>]*\?>|<!--[\s\S]*?-->|<(\/?)([A-Za-z0-9:_-]+)[^>]*?(\/?)>|([^<]+)/g;

/** Reads what S3's clients send: elements and text, no CDATA, no entities of a DTD. Undefined where it isn't well-formed. */
export function readXml(document: string): ReadElement | undefined {
  interface Open {
    readonly name: string;
    text: string;
    readonly children: ReadElement[];
  }
  const top: Open = { name: "", text: "", children: [] };
  const stack: Open[] = [top];
  let consumed = 0;
  for (const [token, closing, name, empty, text] of document.matchAll(TOKEN)) {
    consumed += token.length;
    const current = stack.at(-1);
    if (current === undefined) return undefined;
    if (text !== undefined) current.text += unescapeText(text);
    else if (name === undefined) continue;
    else if (closing === "/") {
      const parent = stack.at(-2);
      if (current.name !== name || parent === undefined) return undefined;
      stack.pop();
      parent.children.push(current);
    } else if (empty === "/") current.children.push({ name, text: "", children: [] });
    else stack.push({ name, text: "", children: [] });
  }
  const [root, ...others] = top.children;
  return stack.length === 1 && others.length === 0 && consumed === document.length ? root : undefined;
}

/** The text of the child `name`, or undefined. */
export function childText(element: ReadElement, name: string): string | undefined {
  return element.children.find((child) => child.name === name)?.text;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function unescapeText(text: string): string {
  return text.replace(/&([a-z]+|#[0-9]+|#x[0-9A-Fa-f]+);/g, (found, name: string) => {
    if (name.startsWith("#x")) return String.fromCodePoint(Number.parseInt(name.slice(2), 16));
    if (name.startsWith("#")) return String.fromCodePoint(Number(name.slice(1)));
    return ENTITIES[name] ?? found;
  });
}
