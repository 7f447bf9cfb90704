"""What the token contract says, read with web3.py over our own transport (its failover, time-outs and typed errors)."""

from __future__ import annotations

from typing import Any, cast

from eth_hash.auto import keccak
from eth_typing import ChecksumAddress
from web3 import Web3
from web3.contract import Contract
from web3.exceptions import BadFunctionCallOutput, Web3Exception
from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from treasury.chains import rpc_values as read
from treasury.chains.endpoints import ask_one
from treasury.chains.errors import ContractMismatch, MalformedAnswer, WouldRevert
from treasury.chains.ports import TokenFacts
from treasury.chains.rpc import RpcClient


def _view(name: str, inputs: list[str], output: str) -> dict[str, Any]:
    return {
        "type": "function",
        "name": name,
        "stateMutability": "view",
        "inputs": [{"name": "", "type": each} for each in inputs],
        "outputs": [{"name": "", "type": output}],
    }


TOKEN_ABI = [
    _view("decimals", [], "uint8"),
    _view("symbol", [], "string"),
    _view("balanceOf", ["address"], "uint256"),
    _view("isBlocked", ["address"], "bool"),
]


class _Provider(JSONBaseProvider):
    """Lets web3.py speak through one endpoint of ours. Refusals leave as typed errors."""

    def __init__(self, client: RpcClient, chain_id: int) -> None:
        super().__init__()
        self._client = client
        self._chain_id = chain_id

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        if method == "eth_chainId":  # web3 asks before each call; the pool checks it often enough
            return {"jsonrpc": "2.0", "id": 0, "result": hex(self._chain_id)}
        return {"jsonrpc": "2.0", "id": 0, "result": ask_one(self._client, str(method), *params)}


class TokenReader:
    """The token contract of one network."""

    def __init__(self, contract: str, chain_id: int) -> None:
        self._address = contract
        self._chain_id = chain_id
        self._contracts: dict[str, Contract] = {}

    def facts(self, client: RpcClient) -> TokenFacts:
        """Raises ContractMismatch if there is no such contract."""
        code = read.data(ask_one(client, "eth_getCode", self._address, "latest"), "code")
        if not code:
            raise ContractMismatch(f"no contract at {self._address}")
        return TokenFacts(
            contract=self._address,
            decimals=int(self._call(client, "decimals")),
            symbol=str(self._call(client, "symbol")),
            code_hash="0x" + keccak(code).hex(),
        )

    def balance(self, client: RpcClient, address: str) -> int:
        """Raw token units at the head."""
        return int(self._call(client, "balanceOf", address))

    def is_blocked(self, client: RpcClient, address: str) -> bool:
        """False where the contract has no blocklist."""
        try:
            return bool(self._call(client, "isBlocked", address))
        except (WouldRevert, ContractMismatch):
            return False

    def _call(self, client: RpcClient, function: str, *args: object) -> Any:
        try:
            return self._of(client).get_function_by_name(function)(*args).call()
        except BadFunctionCallOutput as error:
            raise ContractMismatch(f"{self._address} has no {function}()") from error
        except Web3Exception as error:
            raise MalformedAnswer(f"{function}(): {error}") from error

    def _of(self, client: RpcClient) -> Contract:
        found = self._contracts.get(client.url)
        if found is None:
            web3 = Web3(_Provider(client, self._chain_id))
            found = web3.eth.contract(address=cast("ChecksumAddress", self._address), abi=TOKEN_ABI)
            self._contracts[client.url] = found
        return found
