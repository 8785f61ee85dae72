import { cloudfront } from "./cloudfront-kind.js";
import type { MiddlewareKind } from "./kind.js";
import { redirect } from "./redirect.js";
import { rewrite } from "./rewrite.js";

/** The storage middleware: a new one is a file and a line here. */
export const MIDDLEWARE_KINDS: readonly MiddlewareKind[] = [redirect, rewrite, cloudfront];
