import type { CallOptions } from "../../contract/driver.js";
import { createKeys, type Keys } from "../objects/keys.js";
import type { AzureOptions } from "./options.js";

/** What the names of a registry's blobs begin with. */
const REGISTRY = "docker/registry/";

/** The names of `registry:2`, whose paths are names as they are. */
const WITH_SLASH: Keys = { of: (path) => path, below: (path) => (path === "/" ? path : `${path}/`) };

/**
 * How paths become names. `registry:2` has no `rootdirectory` and puts a slash before every name; `registry:3` doesn't, and finds
 * nothing of what `registry:2` has stored. Without an option that says which, the container is asked once: names with a slash are
 * used where only such are.
 */
export function createLayout(
  { rootdirectory, legacyrootprefix }: Pick<AzureOptions, "rootdirectory" | "legacyrootprefix">,
  hasNames: (prefix: string, call: CallOptions | undefined) => Promise<boolean>,
): (call: CallOptions | undefined) => Promise<Keys> {
  const plain = createKeys(rootdirectory);
  let known: Keys | undefined =
    rootdirectory !== "" ? plain : legacyrootprefix === undefined ? undefined : legacyrootprefix ? WITH_SLASH : plain;
  return async (call) => {
    if (known !== undefined) return known;
    const isOld = !(await hasNames(REGISTRY, call)) && (await hasNames(`/${REGISTRY}`, call));
    return (known = isOld ? WITH_SLASH : plain);
  };
}
