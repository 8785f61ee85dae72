import { declareDriver } from "../kind.js";

/** Has no options; Distribution ignores any that are given (wire contract §6.3). */
export const inmemory = declareDriver({
  name: "inmemory",
  meaning: "Memory: everything is lost at the end. One worker, since processes share no memory.",
  options: {},
  choose: () => ({
    identity: "inmemory",
    isShared: false,
    open: async () => (await import("./driver.js")).createInMemoryDriver(),
  }),
});
