// Small comforts. Every page works without them.
import "./theme.js";
import "./copy.js";
import "./moments.js";
import "./amount.js";
import "./live.js";
import "./passkey.js";
import "./strength.js";
