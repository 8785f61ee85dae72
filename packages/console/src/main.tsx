import { render } from "preact";
import "./style/base.css";
import "./style/shell.css";
import "./style/parts.css";
import "./style/lists.css";
import "./state/theme.js";
import { readAhead, Shell } from "./shell.js";
import { refreshSession } from "./state/session.js";

/** How long the page waits for what it shows (ms): what is drawn before is drawn twice. */
const PATIENCE = 400;

const page = document.getElementById("page");
const patience = new Promise<false>((resolve) => {
  setTimeout(() => resolve(false), PATIENCE);
});
const isKnown = await Promise.race([refreshSession().then(() => true), patience]);
// A page that is drawn earlier asks by itself.
if (isKnown) await Promise.race([readAhead(), patience]);
if (page !== null) render(<Shell />, page);
