import { hasErrno } from "@longshore/base/errno";
import { CONSOLE_ASSET } from "../../http/console.js";
import type { ApiContext, Step } from "../../http/context.js";
import type { Exchange } from "../../http/exchange.js";
import { noneMatchHits } from "../../http/headers/conditional.js";
import { respond } from "../../http/response/respond.js";
import type { Route } from "../../http/route.js";
import { errorFields, type Log } from "../../observability/log.js";
import type { BuiltPage } from "../built-page.js";
import { chooseCoding, readPageFiles, type EncodedFile, type PageFile, type PageFiles } from "./page-files.js";
import { FILE_HEADERS, pageHeaders, without, type PageNeeds } from "./page-headers.js";
import { wantsHtml } from "./wants-html.js";

/** What {@link createPage} works with. */
export interface PageOptions extends PageNeeds {
  /** Where the page is on this server, with a slash at its end: `/`, or below a prefix. */
  readonly path: string;
  /** The same without the registry's prefix, as routes have it. */
  readonly routePath: string;
  /** What the console was built to. */
  readonly built: BuiltPage;
  /** Headers of every response, as configured (name, value, …). */
  readonly headers: readonly string[];
  readonly log: Log;
}

/** The page and its files. */
export interface Page {
  readonly page: Step;
  readonly asset: Route;
}

/** Until the page is built, and if its files can't be used. */
const UNBUILT =
  '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Registry</title></head>' +
  "<body><h1>This registry works; its page doesn't</h1><p>The files of the page are missing or can't be used. " +
  "The registry's log says why.</p></body></html>\n";

/** How long unusable files are left alone (ms): requests for the page must not fill the log. */
const RETRY = 2000;

/** Serves the page from memory: its files are read when it is first asked for. */
export function createPage(options: PageOptions): Page {
  const { path, routePath, built, headers, log } = options;
  const lines = pageHeaders(options);
  const withoutSlash = path.slice(0, -1);
  const common = without(headers, [...lines, "Cache-Control", ""]);
  let files: Promise<PageFiles> | undefined;
  let failedAt = Number.NEGATIVE_INFINITY;

  async function load(): Promise<PageFiles | undefined> {
    if (performance.now() - failedAt < RETRY) return undefined;
    const reading = (files ??= readPageFiles(built));
    try {
      return await reading;
    } catch (error) {
      // One of those who waited for it says so.
      if (files !== reading) return undefined;
      // Tried again later: it may be built while the registry runs.
      files = undefined;
      failedAt = performance.now();
      if (hasErrno(error, "ENOENT")) log.warn("the console isn't built: run `npm run build`", errorFields(error));
      else log.error("the console's files can't be used", errorFields(error));
      return undefined;
    }
  }

  async function sendPage(context: ApiContext): Promise<void> {
    const found = await load();
    if (found === undefined) {
      const head = ["Content-Type", "text/html; charset=utf-8", "Cache-Control", "no-store"];
      respond(context, 503, [...common, ...head, ...lines], UNBUILT);
      return;
    }
    const { head, file } = headOf(found.index, context.req.headers["accept-encoding"], ["Vary", "Accept"]);
    const all = [...common, "Cache-Control", "no-cache", ...head, ...lines];
    if (hits(context.req.headers["if-none-match"], file)) respond(context, 304, all);
    else respond(context, 200, all, file.bytes);
  }

  async function sendAsset(exchange: Exchange): Promise<void> {
    const file = (await load())?.assets.get(exchange.reference);
    // A page from before an update asks for what is no longer there: it mustn't be kept that it isn't.
    if (file === undefined) {
      exchange.end(404, ["Content-Type", "text/plain; charset=utf-8", "Cache-Control", "no-store"], "no such file\n");
      return;
    }
    const { head, file: encoded } = headOf(file, exchange.header("accept-encoding"), []);
    const own = without(FILE_HEADERS, exchange.shared.baseHeaders);
    const all = [...head, "Cache-Control", "public, max-age=31536000, immutable", ...own];
    if (hits(exchange.header("if-none-match"), encoded)) exchange.end(304, all);
    else exchange.end(200, all, encoded.bytes);
  }

  return {
    page: (next) => (context) => {
      const isPage = context.path === path;
      if (!isPage && context.path !== withoutSlash) return next(context);
      const { method } = context;
      if ((method !== "GET" && method !== "HEAD") || !wantsHtml(context.req.headers.accept)) return next(context);
      if (isPage) return sendPage(context);
      respond(context, 301, ["Location", path], "");
      return undefined;
    },
    asset: {
      name: CONSOLE_ASSET,
      path: `${routePath}_console/assets/{uuid}`,
      accesses: "own",
      handlers: { GET: sendAsset, HEAD: sendAsset },
    },
  };
}

function headOf(
  file: PageFile,
  accept: string | undefined,
  more: readonly string[],
): { readonly head: readonly string[]; readonly file: EncodedFile } {
  const coding = chooseCoding(file, accept);
  const encoded = file.encodings.get(coding);
  if (encoded === undefined) throw new Error("a file of the console has no content");
  const encoding = coding === "identity" ? [] : ["Content-Encoding", coding];
  const head = ["Content-Type", file.type, ...encoding, "Etag", encoded.etag, "Vary", "Accept-Encoding", ...more];
  return { head, file: encoded };
}

function hits(noneMatch: string | undefined, { etag }: EncodedFile): boolean {
  return noneMatch !== undefined && noneMatchHits(noneMatch, etag.slice(1, -1), { unquoted: false });
}
