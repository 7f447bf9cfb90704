// Compiles src/*.sol into artifacts/*.json (ABI and bytecode). See README.md for when and how.
//
//   node compile.mjs          write the artefacts
//   node compile.mjs --check  compile, and fail if an artefact differs from what is committed

import { createRequire } from "node:module";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
// SOLC_DIR names a folder that holds node_modules/solc, for a checkout without its own.
const require = createRequire(join(process.env.SOLC_DIR ?? here, "_"));
const solc = require("solc");

const wantedVersion = "0.8.37";
if (!solc.version().startsWith(wantedVersion)) {
  console.error(`solc ${wantedVersion} is needed, this is ${solc.version()}`);
  process.exit(2);
}

const files = readdirSync(join(here, "src")).filter((file) => file.endsWith(".sol")).sort();
const evmVersion = "paris";

// TRON's contracts without the Yul optimizer, as the compilers of their originals had none: what a transfer costs in
// energy depends on it.
const optimizerFor = (file) =>
  file.startsWith("Tron") ? { enabled: true, runs: 200, details: { yul: false } } : { enabled: true, runs: 200 };

function compiled(file) {
  const input = {
    language: "Solidity",
    sources: { [file]: { content: readFileSync(join(here, "src", file), "utf8") } },
    settings: {
      evmVersion,
      optimizer: optimizerFor(file),
      metadata: { bytecodeHash: "none", appendCBOR: false },
      outputSelection: { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  for (const message of output.errors ?? []) console.error(message.formattedMessage);
  if ((output.errors ?? []).length) process.exit(1);
  return output.contracts[file];
}

let stale = 0;
for (const file of files) {
  for (const [name, contract] of Object.entries(compiled(file))) {
    if (!contract.evm.bytecode.object) continue; // an interface
    const artifact = {
      contract: name,
      source: `src/${file}`,
      compiler: solc.version(),
      evmVersion,
      abi: contract.abi,
      bytecode: `0x${contract.evm.bytecode.object}`,
      deployedBytecode: `0x${contract.evm.deployedBytecode.object}`,
    };
    const path = join(here, "artifacts", `${name}.json`);
    const text = `${JSON.stringify(artifact, null, 1)}\n`;
    if (process.argv.includes("--check")) {
      let committed = "";
      try {
        committed = readFileSync(path, "utf8");
      } catch {
        // Missing counts as different.
      }
      if (committed !== text) {
        console.error(`${name}: the artefact is not what the source compiles to`);
        stale += 1;
      }
    } else {
      writeFileSync(path, text);
      console.log(`${name}: ${contract.evm.deployedBytecode.object.length / 2} bytes`);
    }
  }
}
process.exit(stale ? 1 : 0);
