/**
 * Whether a client that sent `accept` asks for HTML by name, as browsers do when they open a page. Wildcards don't count: `curl` and
 * health checks send them, and expect what Distribution answers.
 */
export function wantsHtml(accept: string | undefined): boolean {
  if (accept === undefined) return false;
  return accept.split(",").some((range) => {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    if (type !== "text/html" && type !== "application/xhtml+xml") return false;
    return !parameters.some((parameter) => /^q\s*=\s*0(?:\.0*)?$/.test(parameter));
  });
}
