import {
  AuthError,
  isAuthError,
  type AccessController,
  type AuthPage,
  type ChosenAccess,
  type ControllerPorts,
} from "@longshore/auth";
import { openWatchedFile } from "@longshore/base/watched-file";
import { createGenerations, type Generation } from "./generations.js";

/** What a text of the file means for access control. */
export interface AccessOfText {
  readonly auth: ChosenAccess;
  /** The list `access`. */
  readonly rules: unknown;
  /** Of what is not access control and takes effect at the next start only: its listener. */
  readonly rest: string;
}

/** A file that access control was read from. */
export interface FollowedFile {
  readonly path: string;
  /** What it held when `chosen` was read from it. */
  readonly text: string;
  readonly rest: string;
  /** Throws, with a message for people, if a text can't be used. */
  readonly load: (text: string) => AccessOfText;
}

const MOST_BYTES = 4 * 1024 * 1024;

/** Between two looks at the file without a request (ms). */
const INTERVAL = 1000;

/**
 * `chosen`, and what its file says after it has changed: within a second or two, for the requests that come later. Those in
 * progress are finished by what they began with. A text that can't be used changes nothing, and the log says why.
 */
export function followFile(chosen: ChosenAccess, file: FollowedFile): ChosenAccess {
  return { ...chosen, open: async (ports) => openFollowed(chosen, file, ports) };
}

async function openFollowed(
  chosen: ChosenAccess,
  file: FollowedFile,
  ports: ControllerPorts,
): Promise<AccessController> {
  const log = ports.fileLog ?? ports.log;
  const { path } = file;
  const first = await chosen.open(ports);
  const generations = createGenerations(first, (reason) =>
    log.error("a former access control can't be closed", { error: reason }),
  );

  async function parse(bytes: Buffer): Promise<Generation> {
    const next = file.load(bytes.toString("utf8"));
    const opened = await next.auth.open({ ...ports, rules: next.rules });
    // At a level that is logged whatever is configured: who has edited the file believes otherwise.
    if (next.rest !== file.rest)
      log.error("the section server has changed, which takes effect at the next start: restart the server", { path });
    const added = (opened.pages ?? []).filter((page) => pageOf(first, page) === undefined);
    if (added.length > 0)
      log.error("a login was added whose pages are served from the next start on: restart the server", {
        path,
        pages: added.map((page) => page.path).join(" "),
      });
    return generations.create(opened);
  }

  const watched = await openWatchedFile({
    path,
    clock: ports.clock,
    maxBytes: MOST_BYTES,
    start: { bytes: Buffer.from(file.text), value: generations.current },
    parse,
    onChange(generation) {
      generations.replace(generation);
      log.info("the configuration has changed and is in use", { path });
    },
    onUnusable: (error) => log.error("the configuration can't be used; the former one stays in use", { path, error }),
  });

  // Whoever edits the file hears of a fault at once, and not with the next request.
  const look = setInterval(() => void watched.check(), INTERVAL).unref();

  /** Does `work` with what the file says now. */
  async function withCurrent<T>(work: (controller: AccessController) => T | Promise<T>): Promise<T> {
    await watched.check();
    return generations.use(work);
  }

  const { tokens, pages = [] } = first;
  return {
    name: first.name,
    authorize: (request, accesses, options) =>
      withCurrent((controller) => controller.authorize(request, accesses, options)),
    ...(tokens && {
      tokens: {
        issue: (request, options) =>
          withCurrent((controller) => {
            if (controller.tokens !== undefined) return controller.tokens.issue(request, options);
            throw new AuthError({ code: "UNAVAILABLE", reason: "no tokens are issued any more; start again" });
          }),
      },
    }),
    pages: pages.map((page) => ({
      ...page,
      answer: (request, options) =>
        withCurrent((controller) => pageOf(controller, page)?.answer(request, options) ?? GONE),
    })),
    async reload() {
      await watched.reload().catch((error: unknown) => {
        if (isAuthError(error)) throw error;
        const reason = `${path} can't be used: ${error instanceof Error ? error.message : "unknown fault"}`;
        throw new AuthError({ code: "INVALID_OPTIONS", path: "tokenserver", reason }, { cause: error });
      });
      await generations.use((controller) => controller.reload?.());
    },
    async close() {
      clearInterval(look);
      await generations.close();
    },
  };
}

const GONE = {
  status: 404,
  headers: { "content-type": "text/plain" },
  body: "This login isn't configured any more. Ask the operator of this registry how to log in.\n",
};

function pageOf({ pages = [] }: AccessController, { path, methods }: AuthPage): AuthPage | undefined {
  return pages.find((page) => page.path === path && page.methods.some((method) => methods.includes(method)));
}
