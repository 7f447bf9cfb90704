"""TRON's protobuf messages, as google's runtime knows them, from the definitions below.

Names and field numbers are java-tron's (protocol/src/main/protos/core/Tron.proto, core/contract/*.proto); the product
encodes the same messages with code of its own, so that each of the two checks the other. The messages live in a pool of
their own: client libraries register the same names in the default one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # type: ignore[import-untyped]
from google.protobuf.descriptor_pb2 import (  # type: ignore[import-untyped]
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
)

ANY = """
message Any { string type_url = 1; bytes value = 2; }
"""

DEFINITIONS = """
enum AccountType { Normal = 0; AssetIssue = 1; Contract = 2; }
enum ResourceCode { BANDWIDTH = 0; ENERGY = 1; TRON_POWER = 2; }

message AccountId { bytes name = 1; bytes address = 2; }
message authority { AccountId account = 1; bytes permission_name = 2; }
message Key { bytes address = 1; int64 weight = 2; }
message Permission {
  enum PermissionType { Owner = 0; Witness = 1; Active = 2; }
  PermissionType type = 1; int32 id = 2; string permission_name = 3; int64 threshold = 4; int32 parent_id = 5;
  bytes operations = 6; repeated Key keys = 7;
}

message AccountCreateContract { bytes owner_address = 1; bytes account_address = 2; AccountType type = 3; }
message TransferContract { bytes owner_address = 1; bytes to_address = 2; int64 amount = 3; }
message TransferAssetContract { bytes asset_name = 1; bytes owner_address = 2; bytes to_address = 3; int64 amount = 4; }
message FreezeBalanceV2Contract { bytes owner_address = 1; int64 frozen_balance = 2; ResourceCode resource = 3; }
message UnfreezeBalanceV2Contract { bytes owner_address = 1; int64 unfreeze_balance = 2; ResourceCode resource = 3; }
message WithdrawExpireUnfreezeContract { bytes owner_address = 1; }
message CancelAllUnfreezeV2Contract { bytes owner_address = 1; }
message DelegateResourceContract {
  bytes owner_address = 1; ResourceCode resource = 2; int64 balance = 3; bytes receiver_address = 4; bool lock = 5;
  int64 lock_period = 6;
}
message UnDelegateResourceContract {
  bytes owner_address = 1; ResourceCode resource = 2; int64 balance = 3; bytes receiver_address = 4;
}
message SmartContract {
  message ABI {
    message Entry {
      enum EntryType {
        UnknownEntryType = 0; Constructor = 1; Function = 2; Event = 3; Fallback = 4; Receive = 5; Error = 6;
      }
      message Param { bool indexed = 1; string name = 2; string type = 3; }
      enum StateMutabilityType { UnknownMutabilityType = 0; Pure = 1; View = 2; Nonpayable = 3; Payable = 4; }
      bool anonymous = 1; bool constant = 2; string name = 3; repeated Param inputs = 4; repeated Param outputs = 5;
      EntryType type = 6; bool payable = 7; StateMutabilityType stateMutability = 8;
    }
    repeated Entry entrys = 1;
  }
  bytes origin_address = 1; bytes contract_address = 2; ABI abi = 3; bytes bytecode = 4; int64 call_value = 5;
  int64 consume_user_resource_percent = 6; string name = 7; int64 origin_energy_limit = 8; bytes code_hash = 9;
  bytes trx_hash = 10; int32 version = 11;
}
message ContractState { int64 energy_usage = 1; int64 energy_factor = 2; int64 update_cycle = 3; }
message SmartContractDataWrapper {
  SmartContract smart_contract = 1; bytes runtimecode = 2; ContractState contract_state = 3;
}
message CreateSmartContract {
  bytes owner_address = 1; SmartContract new_contract = 2; int64 call_token_value = 3; int64 token_id = 4;
}
message TriggerSmartContract {
  bytes owner_address = 1; bytes contract_address = 2; int64 call_value = 3; bytes data = 4;
  int64 call_token_value = 5; int64 token_id = 6;
}

message Transaction {
  message Contract {
    enum ContractType {
      AccountCreateContract = 0; TransferContract = 1; TransferAssetContract = 2; VoteAssetContract = 3;
      VoteWitnessContract = 4; WitnessCreateContract = 5; AssetIssueContract = 6; WitnessUpdateContract = 8;
      ParticipateAssetIssueContract = 9; AccountUpdateContract = 10; FreezeBalanceContract = 11;
      UnfreezeBalanceContract = 12; WithdrawBalanceContract = 13; UnfreezeAssetContract = 14;
      UpdateAssetContract = 15; ProposalCreateContract = 16; ProposalApproveContract = 17;
      ProposalDeleteContract = 18; SetAccountIdContract = 19; CustomContract = 20; CreateSmartContract = 30;
      TriggerSmartContract = 31; GetContract = 32; UpdateSettingContract = 33; ExchangeCreateContract = 41;
      ExchangeInjectContract = 42; ExchangeWithdrawContract = 43; ExchangeTransactionContract = 44;
      UpdateEnergyLimitContract = 45; AccountPermissionUpdateContract = 46; ClearABIContract = 48;
      UpdateBrokerageContract = 49; ShieldedTransferContract = 51; MarketSellAssetContract = 52;
      MarketCancelOrderContract = 53; FreezeBalanceV2Contract = 54; UnfreezeBalanceV2Contract = 55;
      WithdrawExpireUnfreezeContract = 56; DelegateResourceContract = 57; UnDelegateResourceContract = 58;
      CancelAllUnfreezeV2Contract = 59;
    }
    ContractType type = 1; google.protobuf.Any parameter = 2; bytes provider = 3; bytes ContractName = 4;
    int32 Permission_id = 5;
  }
  message Result {
    enum code { SUCESS = 0; FAILED = 1; }
    enum contractResult {
      DEFAULT = 0; SUCCESS = 1; REVERT = 2; BAD_JUMP_DESTINATION = 3; OUT_OF_MEMORY = 4; PRECOMPILED_CONTRACT = 5;
      STACK_TOO_SMALL = 6; STACK_TOO_LARGE = 7; ILLEGAL_OPERATION = 8; STACK_OVERFLOW = 9; OUT_OF_ENERGY = 10;
      OUT_OF_TIME = 11; JVM_STACK_OVER_FLOW = 12; UNKNOWN = 13; TRANSFER_FAILED = 14; INVALID_CODE = 15;
    }
    int64 fee = 1; code ret = 2; contractResult contractRet = 3; string assetIssueID = 14;
    int64 withdraw_amount = 15; int64 unfreeze_amount = 16; int64 withdraw_expire_amount = 27;
    map<string, int64> cancel_unfreezeV2_amount = 28;
  }
  message raw {
    bytes ref_block_bytes = 1; int64 ref_block_num = 3; bytes ref_block_hash = 4; int64 expiration = 8;
    repeated authority auths = 9; bytes data = 10; repeated Contract contract = 11; bytes scripts = 12;
    int64 timestamp = 14; int64 fee_limit = 18;
  }
  raw raw_data = 1; repeated bytes signature = 2; repeated Result ret = 5;
}

message InternalTransaction {
  message CallValueInfo { int64 callValue = 1; string tokenId = 2; }
  bytes hash = 1; bytes caller_address = 2; bytes transferTo_address = 3; repeated CallValueInfo callValueInfo = 4;
  bytes note = 5; bool rejected = 6; string extra = 7;
}
message ResourceReceipt {
  int64 energy_usage = 1; int64 energy_fee = 2; int64 origin_energy_usage = 3; int64 energy_usage_total = 4;
  int64 net_usage = 5; int64 net_fee = 6; Transaction.Result.contractResult result = 7; int64 energy_penalty_total = 8;
}
message TransactionInfo {
  enum code { SUCESS = 0; FAILED = 1; }
  message Log { bytes address = 1; repeated bytes topics = 2; bytes data = 3; }
  bytes id = 1; int64 fee = 2; int64 blockNumber = 3; int64 blockTimeStamp = 4; repeated bytes contractResult = 5;
  bytes contract_address = 6; ResourceReceipt receipt = 7; repeated Log log = 8; code result = 9;
  bytes resMessage = 10; string assetIssueID = 14; int64 withdraw_amount = 15; int64 unfreeze_amount = 16;
  repeated InternalTransaction internal_transactions = 17; int64 packingFee = 27; int64 withdraw_expire_amount = 28;
  map<string, int64> cancel_unfreezeV2_amount = 29;
}

message BlockHeader {
  message raw {
    int64 timestamp = 1; bytes txTrieRoot = 2; bytes parentHash = 3; int64 number = 7; int64 witness_id = 8;
    bytes witness_address = 9; int32 version = 10; bytes accountStateRoot = 11;
  }
  raw raw_data = 1; bytes witness_signature = 2;
}
message Block { repeated Transaction transactions = 1; BlockHeader block_header = 2; }

message Account {
  message Frozen { int64 frozen_balance = 1; int64 expire_time = 2; }
  message AccountResource {
    int64 energy_usage = 1; Frozen frozen_balance_for_energy = 2; int64 latest_consume_time_for_energy = 3;
    int64 acquired_delegated_frozen_balance_for_energy = 4; int64 delegated_frozen_balance_for_energy = 5;
    int64 energy_window_size = 9; int64 delegated_frozenV2_balance_for_energy = 10;
    int64 acquired_delegated_frozenV2_balance_for_energy = 11; bool energy_window_optimized = 12;
  }
  message FreezeV2 { ResourceCode type = 1; int64 amount = 2; }
  message UnFreezeV2 { ResourceCode type = 1; int64 unfreeze_amount = 3; int64 unfreeze_expire_time = 4; }
  bytes account_name = 1; AccountType type = 2; bytes address = 3; int64 balance = 4; int64 net_usage = 8;
  int64 create_time = 9; int64 latest_opration_time = 10; int64 free_net_usage = 19; int64 latest_consume_time = 21;
  int64 latest_consume_free_time = 22; int64 net_window_size = 24; bool net_window_optimized = 25;
  AccountResource account_resource = 26; bytes codeHash = 30; Permission owner_permission = 31;
  Permission witness_permission = 32; repeated Permission active_permission = 33; repeated FreezeV2 frozenV2 = 34;
  repeated UnFreezeV2 unfrozenV2 = 35; int64 delegated_frozenV2_balance_for_bandwidth = 36;
  int64 acquired_delegated_frozenV2_balance_for_bandwidth = 37;
}
message DelegatedResource {
  bytes from = 1; bytes to = 2; int64 frozen_balance_for_bandwidth = 3; int64 frozen_balance_for_energy = 4;
  int64 expire_time_for_bandwidth = 5; int64 expire_time_for_energy = 6;
}
"""

SCALARS = {
    "bytes": FieldDescriptorProto.TYPE_BYTES,
    "string": FieldDescriptorProto.TYPE_STRING,
    "int64": FieldDescriptorProto.TYPE_INT64,
    "int32": FieldDescriptorProto.TYPE_INT32,
    "bool": FieldDescriptorProto.TYPE_BOOL,
}
TOKEN = re.compile(r"[\w.]+|[{}=;<>,]")


def _parse(text: str, package: str, name: str, *, needs: tuple[str, ...] = ()) -> descriptor_pb2.FileDescriptorProto:
    """The file descriptor of proto3 text; knows as much of the language as the definitions above use."""
    file = descriptor_pb2.FileDescriptorProto(name=name, package=package, syntax="proto3", dependency=needs)
    tokens = iter(TOKEN.findall(text))
    for word in tokens:
        if word == "enum":
            _enum(tokens, file.enum_type.add())
        else:
            _message(tokens, file.message_type.add())
    return file


def _enum(tokens: Iterator[str], enum: EnumDescriptorProto) -> None:
    enum.name = next(tokens)
    next(tokens)  # {
    while (word := next(tokens)) != "}":
        next(tokens)  # =
        enum.value.add(name=word, number=int(next(tokens)))
        next(tokens)  # ;


def _message(tokens: Iterator[str], message: DescriptorProto) -> None:
    message.name = next(tokens)
    next(tokens)  # {
    while (word := next(tokens)) != "}":
        if word == "enum":
            _enum(tokens, message.enum_type.add())
        elif word == "message":
            _message(tokens, message.nested_type.add())
        else:
            _field(tokens, message, word)


def _field(tokens: Iterator[str], message: DescriptorProto, word: str) -> None:
    field = message.field.add(label=FieldDescriptorProto.LABEL_OPTIONAL)
    if word == "repeated":
        field.label, word = FieldDescriptorProto.LABEL_REPEATED, next(tokens)
    if word == "map":
        word = _map_entry(tokens, message)
        field.label = FieldDescriptorProto.LABEL_REPEATED
    if word in SCALARS:
        field.type = SCALARS[word]
    else:
        field.type_name = word  # a message or an enum: the pool finds out, by protobuf's rules of scope
    field.name = next(tokens)
    next(tokens)  # =
    field.number = int(next(tokens))
    next(tokens)  # ;


def _map_entry(tokens: Iterator[str], message: DescriptorProto) -> str:
    """A map is a repeated message of key and value on the wire. Named by its first use here: one map per message."""
    kinds = [word for _, word in zip(range(5), tokens, strict=False) if word in SCALARS]  # < key , value >
    entry = message.nested_type.add(name="CancelUnfreezeV2AmountEntry")
    entry.options.map_entry = True
    for number, (label, kind) in enumerate(zip(("key", "value"), kinds, strict=True), start=1):
        entry.field.add(name=label, number=number, type=SCALARS[kind], label=FieldDescriptorProto.LABEL_OPTIONAL)
    return entry.name


_pool = descriptor_pool.DescriptorPool()
_pool.Add(_parse(ANY, "google.protobuf", "any.proto"))
_pool.Add(_parse(DEFINITIONS, "protocol", "tron.proto", needs=("any.proto",)))

Message = Any  # the classes are made when this module is imported: no type checker can know their fields


def message(name: str) -> Message:
    """The class of one message, by its name in TRON's package."""
    return message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"protocol.{name}"))


Transaction = message("Transaction")
RawData = message("Transaction.raw")
TransactionInfo = message("TransactionInfo")
InternalTransaction = message("InternalTransaction")
Block = message("Block")
BlockHeader = message("BlockHeader")
Account = message("Account")
DelegatedResource = message("DelegatedResource")
SmartContract = message("SmartContract")
SmartContractDataWrapper = message("SmartContractDataWrapper")

ContractType = _pool.FindEnumTypeByName("protocol.Transaction.Contract.ContractType")
ContractResult = _pool.FindEnumTypeByName("protocol.Transaction.Result.contractResult")

# The contracts that this node executes, by the name of their type.
CONTRACTS: dict[str, Message] = {
    name: message(name)
    for name in (
        "AccountCreateContract", "TransferContract", "TransferAssetContract", "CreateSmartContract",
        "TriggerSmartContract", "FreezeBalanceV2Contract", "UnfreezeBalanceV2Contract",
        "WithdrawExpireUnfreezeContract", "CancelAllUnfreezeV2Contract", "DelegateResourceContract",
        "UnDelegateResourceContract",
    )
}  # fmt: skip


def contract_type_name(number: int) -> str:
    found = ContractType.values_by_number.get(number)
    return found.name if found else str(number)


def pack(name: str, parameter: Message, *, permission_id: int = 0) -> Message:
    """A `Transaction.Contract` that holds `parameter`."""
    contract = message("Transaction.Contract")(type=ContractType.values_by_name[name].number)
    contract.parameter.type_url = f"type.googleapis.com/protocol.{name}"
    contract.parameter.value = parameter.SerializeToString()
    contract.Permission_id = permission_id
    return contract


def unpack(contract: Message) -> Message:
    """What a `Transaction.Contract` holds, or None where this node does not know the type."""
    made = CONTRACTS.get(contract_type_name(contract.type))
    return made.FromString(contract.parameter.value) if made else None
