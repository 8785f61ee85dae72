import { render } from "preact";
import "./style/base.css";
import "./style/shell.css";
import "./style/parts.css";
import "./style/lists.css";
import "./state/theme.js";
import { Shell } from "./shell.js";
import { refreshSession } from "./state/session.js";

/** How long the page waits for who is looking (ms): what is drawn before is drawn twice. */
const PATIENCE = 150;

const page = document.getElementById("page");
await Promise.race([refreshSession(), new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
if (page !== null) render(<Shell />, page);
