import { htpasswd } from "./htpasswd/htpasswd-kind.js";
import { mtls } from "./mtls/mtls-kind.js";
import { none } from "./none-controller.js";
import { silly } from "./silly-controller.js";
import { token } from "./token/token-kind.js";
import type { AuthKind } from "./kind.js";

/** Everything that `auth` can name, in the order of the reference. A new kind is a folder and a line here. */
export const AUTH_KINDS: readonly AuthKind[] = [none, silly, htpasswd, token, mtls];
