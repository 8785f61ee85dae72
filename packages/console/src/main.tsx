import { render } from "preact";
import "./style/base.css";
import "./style/shell.css";
import "./style/parts.css";
import "./style/lists.css";
import "./state/theme.js";
import { Shell } from "./shell.js";
import { refreshSession } from "./state/session.js";

void refreshSession();
const page = document.getElementById("page");
if (page !== null) render(<Shell />, page);
