// What a configuration has to know of the token server. Every process loads this, whether it issues tokens or not.
export { chooseTokenServer, isTokenServer, type ChosenTokenServer } from "./choose-token-server.js";
export { accountSources } from "./sources/account-sources.js";
export { tokenServerSection, type TokenServerOptions } from "./options.js";
