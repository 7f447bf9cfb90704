// Reads transactions as JSON, one a line, from standard input; writes tronweb's raw_data and id of each.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(process.argv[2]);
const { utils } = require("tronweb");

for await (const line of createInterface({ input: process.stdin })) {
  const pb = utils.transaction.txJsonToPb(JSON.parse(line));
  const raw = utils.transaction.txPbToRawDataHex(pb).toLowerCase();
  console.log(JSON.stringify([raw, utils.transaction.txPbToTxID(pb).replace(/^0x/, "")]));
}
