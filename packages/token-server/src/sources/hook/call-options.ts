import { integer, key, secret, text } from "@longshore/options/declare";
import type { Remark } from "@longshore/options/kind";
import type { Secret } from "@longshore/options/secret";
import { z } from "zod";
import { isLoopback } from "../is-loopback.js";

/** How a hook is called, for kinds to declare among their own options. `meaning` is of its URL. */
export function callOptions(meaning: string) {
  return {
    url: key(
      z.string().refine((value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)),
      { meaning, type: "text", allowed: "an http:// or https:// URL" },
    ),
    authorization: secret("The `Authorization` header of each request, such as `Bearer …`."),
    ca: text("PEM file with the authorities that sign the server's certificate.", {
      file: "read",
      fallback: "the system's authorities",
    }),
    maxresponse: integer(65_536, { min: 1024, max: 16_777_216 }, "The most bytes it may answer with."),
  };
}

/** Parsed {@link callOptions}, with what limits the calls; `timeout` in milliseconds. */
export interface CallOptions {
  readonly url: string;
  readonly authorization?: Secret | undefined;
  readonly ca?: string | undefined;
  readonly maxresponse: number;
  readonly timeout: number;
  readonly concurrency: number;
}

/** A warning if `what` goes over a network that others can read, or write to. */
export function remarksOnUrl(url: string, what: string): readonly Remark[] {
  const { protocol, hostname } = new URL(url);
  if (protocol !== "http:" || isLoopback(hostname)) return [];
  const message = `${what} ${hostname} in the clear; use https`;
  return [{ severity: "warning", path: ["url"], message }];
}
