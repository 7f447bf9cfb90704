"""Bytes: what the main network made, what tronpy's own definitions say, and addresses."""

import pytest
from tronpy.keys import PrivateKey
from tronpy.proto import tron_pb2

from devnet.tron import parsing, protocol
from devnet.tron.addresses import BadSignature, Key, base58_of, decoded, parsed, sha256, signer_of
from devnet.tron.blocks import block_id, merkle_root
from devnet.tron.printing import printed, printed_transaction

# Block 3,531,200 of the main network and its first transaction.
HEADER = {
    "number": 3531200,
    "txTrieRoot": "9d98f6cbbde8302774ab87c003831333e132c89e00009cb1f7da35e1e59ae8ca",
    "witness_address": "41d1dbde8b8f71b48655bec4f6bb532a0142b88bc0",
    "parentHash": "000000000035e1bfb3b6f244e5316ce408aa8cea4c348eabe2545247f5a4600c",
    "version": 3,
    "timestamp": 1540545240000,
}
BLOCK_ID = "000000000035e1c0f60afaa8387fd17fd9b84fe4381265ff084d739f814558ea"
WITNESS_SIGNATURE = (
    "6ceedcacd8d0111b48eb4131484de3d13f27a2f4bd8156279d03d4208690158e"
    "20a641b77d900e026ee33adc328f9ec674f6483ea7b1ca5a27fa24d7fb23964100"
)
OWNER_SIGNATURE = (
    "40aa520f01cebf12948615b9c5a5df5fe7d57e1a7f662d53907b4aa14f647a3a"
    "47be2a097fdb58159d0bee7eb1ff0a15ac738f24643fe5114cab8ec0d52cc04d01"
)
TRANSACTION = {
    "signature": [OWNER_SIGNATURE],
    "txID": "ac005b0a195a130914821a6c28db1eec44b4ec3a2358388ceb6c87b677866f1f",
    "raw_data": {
        "contract": [
            {
                "parameter": {
                    "value": {
                        "amount": 1,
                        "asset_name": "48756f6269546f6b656e",
                        "owner_address": "416b201fb7b9f2b97bbdaf5e0920191229767c30ee",
                        "to_address": "412451d09536fca47760ea6513372bbbbef8583105",
                    },
                    "type_url": "type.googleapis.com/protocol.TransferAssetContract",
                },
                "type": "TransferAssetContract",
            }
        ],
        "ref_block_bytes": "e1be",
        "ref_block_hash": "8dbf5f0cf4c324f2",
        "expiration": 1540545294000,
        "timestamp": 1540545235358,
    },
}


def test_a_block_of_the_main_network_has_the_id_that_its_header_hashes_to_and_its_witness_signed_it():
    raw = parsing.merged(protocol.BlockHeader().raw_data, HEADER)
    digest = sha256(raw.SerializeToString())
    assert block_id(raw.number, digest).hex() == BLOCK_ID
    assert signer_of(digest, bytes.fromhex(WITNESS_SIGNATURE)).hex() == HEADER["witness_address"][2:]
    assert printed(raw) == HEADER


def test_a_transaction_of_the_main_network_hashes_to_its_id_and_its_owner_signed_it():
    message = parsing.transaction(TRANSACTION)
    digest = sha256(message.raw_data.SerializeToString())
    assert digest.hex() == TRANSACTION["txID"]
    assert signer_of(digest, message.signature[0]).hex() == "6b201fb7b9f2b97bbdaf5e0920191229767c30ee"
    shown = printed_transaction(message)
    assert {name: shown[name] for name in TRANSACTION} == TRANSACTION


def test_tronpys_own_definitions_read_and_write_the_same_bytes():
    made = protocol.Transaction()
    call = protocol.CONTRACTS["TriggerSmartContract"](
        owner_address=b"\x41" + bytes(19) + b"\x01",
        contract_address=b"\x41" + b"\x22" * 20,
        data=b"\xa9\x05\x9c\xbb" * 3,
    )
    made.raw_data.contract.append(protocol.pack("TriggerSmartContract", call, permission_id=2))
    made.raw_data.ref_block_bytes, made.raw_data.ref_block_hash = b"\x01\x02", b"12345678"
    made.raw_data.expiration, made.raw_data.timestamp, made.raw_data.fee_limit = 10**12, 10**12 - 5, 15 * 10**9
    made.raw_data.data = b"memo"
    made.signature.append(b"s" * 65)
    theirs = tron_pb2.Transaction.FromString(made.SerializeToString())
    assert theirs.SerializeToString() == made.SerializeToString()
    assert theirs.raw_data.contract[0].Permission_id == 2
    assert theirs.raw_data.fee_limit == 15 * 10**9


@pytest.mark.parametrize(
    ("text", "raw"),
    [
        ("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "a614f803b6fd780986a42c78ec9c7f77e6ded13c"),
        ("T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb", "00" * 20),
    ],
)
def test_addresses_are_those_that_everybody_knows(text, raw):
    assert base58_of(bytes.fromhex(raw)) == text
    assert parsed(text).hex() == parsed("41" + raw).hex() == parsed("0x" + raw).hex() == raw


def test_a_mistyped_address_is_none():
    assert decoded("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6u") is None


def test_tronpy_recovers_what_our_keys_sign_and_the_other_way_round():
    key = Key.derived("tests", "vectors")
    theirs = PrivateKey(key.secret)
    assert theirs.public_key.to_base58check_address() == base58_of(key.address)
    digest = sha256(b"anything")
    assert signer_of(digest, theirs.sign_msg_hash(digest)) == key.address
    signature = key.sign(digest)
    assert signer_of(digest, signature[:64] + bytes([signature[64] + 27])) == key.address


@pytest.mark.parametrize(
    ("signature", "text"), [(b"\x01" * 64 + b"\x1a", "Could not"), (b"\0" * 64 + b"\x40", "Header")]
)
def test_what_is_no_signature_recovers_nobody(signature, text):
    if text == "Could not":
        signature = b"\xff" * 64 + b"\x00"
    with pytest.raises(BadSignature, match=text):
        signer_of(sha256(b"x"), signature)


def test_the_root_over_transactions_pairs_them_and_passes_an_odd_one_up():
    one, two, three = (bytes([each]) * 32 for each in (1, 2, 3))
    assert merkle_root([]) == bytes(32)
    assert merkle_root([one]) == one
    assert merkle_root([one, two, three]) == sha256(sha256(one + two) + three)
