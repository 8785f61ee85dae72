import type { AccessController, Grant } from "../access-controller.js";
import { declareController } from "./kind.js";

const EVERYTHING: Grant = { unrestricted: true };

/** Lets everyone do everything; the default of a configuration without `auth`. */
export const none = declareController({
  name: "none",
  meaning: "Everyone may do everything.",
  options: {},
  choose: () => ({
    withoutRules: "clients aren't identified",
    open: () => Promise.resolve(createNoneController()),
  }),
});

function createNoneController(): AccessController {
  return { name: "none", authorize: () => EVERYTHING, close: () => Promise.resolve() };
}
