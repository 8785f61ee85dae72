/**
 * The few elements of the XML API's answers that the driver needs, none of which has attributes or elements of the same name inside. The
 * service's documents have neither comments nor CDATA.
 */
export function elements(document: string, name: string): readonly string[] {
  const pattern = new RegExp(`<${name}>([\\s\\S]*?)</${name}>`, "g");
  return [...document.matchAll(pattern)].map(([, inner = ""]) => inner);
}

/** The text of the first element of this name; undefined if there is none. */
export function firstText(document: string, name: string): string | undefined {
  const [first] = elements(document, name);
  return first === undefined ? undefined : unescapeText(first);
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function unescapeText(text: string): string {
  return text.replace(/&(#x[0-9A-Fa-f]{1,6}|#[0-9]{1,7}|[a-z]+);/g, (found, name: string) => {
    if (!name.startsWith("#")) return ENTITIES[name] ?? found;
    const code = name.startsWith("#x") ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    return code <= 0x10_ff_ff ? String.fromCodePoint(code) : found;
  });
}

/** Text for the inside of an element. */
export function escapeText(text: string): string {
  return text.replace(/[&<>"]/g, (found) => `&#${found.charCodeAt(0)};`);
}
