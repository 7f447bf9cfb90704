// npm's tronweb, unmodified, against the local node. Run by test_tronweb.py, which makes the blocks.
//
//     node tronweb.mjs <tronweb's folder> <node url> <control url> <private key> <token> <artifact file>
//
// Prints one JSON object: what each step gave.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [folder, url, control, key, token, artifactFile] = process.argv.slice(2);
const require = createRequire(pathToFileURL(folder + '/').href);
const { TronWeb } = require('tronweb');

const somebody = 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t';
const web = new TronWeb({ fullHost: url, privateKey: key });
const me = web.defaultAddress.base58;
const found = {};

async function command(name, given = {}) {
  const answer = await fetch(`${control}/${name}`, { method: 'POST', body: JSON.stringify(given) });
  return answer.json();
}

async function mined(sent) {
  await command('mine');
  return web.trx.getUnconfirmedTransactionInfo(sent.txid ?? sent.transaction.txID);
}

async function refusal(step) {
  try {
    const answer = await step();
    return { code: answer.code, message: answer.message };
  } catch (error) {
    return { error: String(error.message ?? error) };
  }
}

// TRX
const trx = await web.transactionBuilder.sendTrx(somebody, 5_000_000, me);
const signedTrx = await web.trx.sign(trx);
found.trx = await mined(await web.trx.sendRawTransaction(signedTrx));
found.balance = await web.trx.getUnconfirmedBalance(somebody);
found.duplicate = await refusal(() => web.trx.sendRawTransaction(signedTrx));
found.tampered = await refusal(() => web.trx.sendRawTransaction({ ...signedTrx, signature: ['11'.repeat(65)] }));
const hexed = await web.transactionBuilder.sendTrx(somebody, 7, me);
const signedHex = await web.trx.sign(hexed);
found.hex = await web.trx.sendHexTransaction(signedHex.raw_data_hex ? encoded(signedHex) : '');

function encoded(transaction) {
  // Transaction { raw_data = 1, signature = 2 }, by hand: tronweb has no call that gives these bytes
  const size = (hex) => {
    let left = hex.length / 2;
    let out = '';
    do {
      out += ((left & 0x7f) | (left > 0x7f ? 0x80 : 0)).toString(16).padStart(2, '0');
      left >>= 7;
    } while (left);
    return out + hex;
  };
  return '0a' + size(transaction.raw_data_hex) + transaction.signature.map((each) => '12' + size(each)).join('');
}

// a token of its own
const artifact = JSON.parse(readFileSync(artifactFile, 'utf8'));
const creation = await web.transactionBuilder.createSmartContract(
  { abi: artifact.abi, bytecode: artifact.bytecode.replace(/^0x/, ''), feeLimit: 5_000_000_000, name: 'T', ownerAddress: me,
    parametersV2: [], originEnergyLimit: 10_000_000, userFeePercentage: 100 },
  me,
);
found.deployed = await mined(await web.trx.sendRawTransaction(await web.trx.sign(creation)));
found.contract = (await web.trx.getContract(found.deployed.contract_address)).name;

// the token that is there
const call = (amount, options = {}) =>
  web.transactionBuilder.triggerSmartContract(
    token, 'transfer(address,uint256)', { feeLimit: 100_000_000, ...options },
    [{ type: 'address', value: somebody }, { type: 'uint256', value: amount }], me,
  );
const send = async (amount, options) => {
  const { transaction } = await call(amount, options);
  return mined(await web.trx.sendRawTransaction(await web.trx.sign(transaction)));
};
const estimate = await web.transactionBuilder.estimateEnergy(
  token, 'transfer(address,uint256)', {}, [{ type: 'address', value: somebody }, { type: 'uint256', value: 1234 }], me,
);
found.estimate = estimate.energy_required;
found.transfer = await send(1234);
found.outOfEnergy = await send(5, { feeLimit: 100_000 });
found.revert = await send(10 ** 15);
const contract = web.contract(artifact.abi, token);
found.tokens = (await contract.methods.balanceOf(somebody).call()).toString();
const constant = await web.transactionBuilder.triggerConstantContract(
  token, 'transfer(address,uint256)', {}, [{ type: 'address', value: somebody }, { type: 'uint256', value: 10 ** 15 }], me,
).catch((error) => ({ error: String(error.message ?? error) }));
found.constantRevert = constant.error ?? constant.result;

// pages of events
for (const amount of [1, 2, 3]) await send(amount);
const first = await web.event.getEventsByContractAddress(token, { eventName: 'Transfer', limit: 2, orderBy: 'block_timestamp,desc' });
const second = await web.event.getEventsByContractAddress(token, {
  eventName: 'Transfer', limit: 2, orderBy: 'block_timestamp,desc', fingerprint: first.meta.fingerprint,
});
found.events = [first, second].map((page) => page.data.map((each) => each.result.value));

// stake, lend, take back
const borrower = await web.createAccount();
await command('fund', { address: borrower.address.base58, amount: 10_000_000 });
const staked = async (transaction) => mined(await web.trx.sendRawTransaction(await web.trx.sign(transaction)));
await staked(await web.transactionBuilder.freezeBalanceV2(1_000_000_000, 'ENERGY', me));
found.lendable = await web.trx.getCanDelegatedMaxSize(me, 'ENERGY', { confirmed: false });
await staked(await web.transactionBuilder.delegateResource(600_000_000, borrower.address.base58, 'ENERGY', me, false));
found.lent = (await web.trx.getAccountResources(borrower.address.base58)).EnergyLimit;
await staked(await web.transactionBuilder.undelegateResource(600_000_000, borrower.address.base58, 'ENERGY', me));
found.takenBack = (await web.trx.getAccountResources(borrower.address.base58)).EnergyLimit ?? 0;

// expired
const late = await web.trx.sign(await web.transactionBuilder.sendTrx(somebody, 9, me));
await command('mine', { seconds: 120 });
found.expired = await refusal(() => web.trx.sendRawTransaction(late));

// blocks
found.block = (await web.trx.getCurrentBlock()).block_header.raw_data.number;
found.solid = (await web.trx.getConfirmedCurrentBlock()).block_header.raw_data.number ?? 0;
console.log(JSON.stringify(found));
