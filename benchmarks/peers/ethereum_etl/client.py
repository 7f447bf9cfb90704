"""ethereum-etl's extractor over an answer in memory: `client <file> <number>`; the protocol of `Bench.clients`.

From the JSON's bytes to its transfers, as its export job does it, but without any store.
"""

import json
import sys
import time
from pathlib import Path

from ethereumetl.mappers.receipt_log_mapper import EthReceiptLogMapper
from ethereumetl.service.token_transfer_extractor import EthTokenTransferExtractor


def main():
    body = Path(sys.argv[1]).read_bytes()
    mapper, extractor = EthReceiptLogMapper(), EthTokenTransferExtractor()
    print("ready", flush=True)
    sys.stdin.readline()
    started = time.perf_counter()
    found = [extractor.extract_transfer_from_log(mapper.json_dict_to_receipt_log(log)) for log in json.loads(body)]
    print(json.dumps({"done": sum(each is not None for each in found), "seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    main()
