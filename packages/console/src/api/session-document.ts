import { flag, list, object, optional, text, type Decoded } from "./decode.js";

const way = object({
  kind: text,
  /** Of a provider: its name, what to call it, and where below the registry's address it is asked. */
  name: optional(text),
  title: optional(text),
  path: optional(text),
  /** The address of another server's tokens. */
  realm: optional(text),
});
/** A way to log in, as the registry's configuration has it. */
export type LoginWay = Decoded<typeof way>;

/** What the registry says of itself and of who looks at it: `SessionDocument` of packages/registry, as far as the page needs it. */
export const session = object({
  account: optional(text),
  logins: list(way),
  anonymous: flag,
  rights: object({ catalog: flag, maintenance: flag, tokens: flag }),
  /** As it stands in an image's name; empty if it isn't known. */
  host: text,
  /** From the page to the path before `v2/`. */
  root: text,
  features: object({ activity: flag, deletion: flag, inventory: flag, maintenance: flag, tokens: flag }),
});

/** Who is looking, and at which registry. */
export type Session = Decoded<typeof session>;
