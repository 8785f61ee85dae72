/** A browser as far as logins need one: it follows redirects, and keeps cookies by origin. */
export interface Browser {
  /** Opens a page, and follows redirects until one answers otherwise, or until `stop` holds for the next address. */
  open(
    url: string,
    options?: { readonly form?: URLSearchParams; readonly stop?: (url: string) => boolean },
  ): Promise<Visit>;
  cookies(origin: string): Map<string, string>;
}

/** Where a browser ended up. */
export interface Visit {
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

const MOST_REDIRECTS = 20;

/** A browser that hasn't been anywhere. */
export function openBrowser(): Browser {
  const jars = new Map<string, Map<string, string>>();
  const cookies = (origin: string): Map<string, string> => {
    const jar = jars.get(origin) ?? new Map<string, string>();
    jars.set(origin, jar);
    return jar;
  };
  return {
    cookies,
    async open(start, { form, stop = () => false } = {}) {
      let [url, body] = [start, form];
      for (let count = 0; count < MOST_REDIRECTS; count += 1) {
        const jar = cookies(new URL(url).origin);
        const response = await fetch(url, {
          method: body === undefined ? "GET" : "POST",
          redirect: "manual",
          body: body ?? null,
          headers: { cookie: Array.from(jar, ([name, value]) => `${name}=${value}`).join("; ") },
        });
        for (const line of response.headers.getSetCookie()) {
          const [pair = ""] = line.split(";");
          const at = pair.indexOf("=");
          if (/max-age=0|expires=thu, 01 jan 1970/i.test(line)) jar.delete(pair.slice(0, at));
          else jar.set(pair.slice(0, at), pair.slice(at + 1));
        }
        const location = response.headers.get("location");
        const text = await response.text();
        const visit = { url, status: response.status, headers: response.headers, text };
        if (location === null) return visit;
        const next = new URL(location, url).href;
        if (stop(next)) return { ...visit, url: next };
        [url, body] = [next, undefined];
      }
      throw new Error(`too many redirects from ${start}`);
    },
  };
}
