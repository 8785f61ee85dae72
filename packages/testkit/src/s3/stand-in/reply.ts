import { type Content, contentOf } from "./content.js";
import { renderXml, type XmlElements } from "./xml.js";

/** An answer to be sent. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly content: Content;
}

const NOTHING = contentOf(Buffer.alloc(0));

export function emptyReply(status: number, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, headers, content: NOTHING };
}

export function xmlReply(root: string, elements: XmlElements, status = 200, namespace?: string): Reply {
  const document = renderXml(root, elements, namespace);
  return { status, headers: { "content-type": "application/xml" }, content: contentOf(Buffer.from(document)) };
}
