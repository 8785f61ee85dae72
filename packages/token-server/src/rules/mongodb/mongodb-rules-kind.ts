import { duration } from "@longshore/options/declare";
import { declareKind } from "@longshore/options/kind";
import type { RulesKind } from "../../contract.js";
import { connectionOptions } from "../../mongodb/connection-options.js";

const options = {
  ...connectionOptions,
  cachettl: duration("1m", "How long rules are used before they are read again; they stay in use if that fails.", {
    min: 1000,
  }),
};

/** Rules in a collection of MongoDB. */
export const mongodbRules: RulesKind = declareKind({
  name: "mongodbrules",
  meaning:
    "Rules in a collection of MongoDB, as docker_auth's `acl_mongo` has them: documents with `seq`, `match`, `actions` and `comment`, in the order of `seq`. Needs the package `mongodb`.",
  options,
  info: { untyped: true, unknownKeys: "error" },
  choose: (chosen) => ({
    async open({ log, clock, anonymousRules: anonymous }) {
      const { openCollection } = await import("../../mongodb/open-collection.js");
      const { createMongodbRules } = await import("./mongodb-rules.js");
      const { collection, close } = await openCollection("mongodbrules", chosen);
      const { cachettl, connecttimeout: timeout } = chosen;
      return createMongodbRules({ collection, close, log, clock, cachettl, timeout, anonymous });
    },
  }),
});
