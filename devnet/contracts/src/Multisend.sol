// SPDX-License-Identifier: AGPL-3.0-or-later
pragma solidity 0.8.37;

interface IToken {
    function transferFrom(address from, address to, uint256 value) external returns (bool);
}

/// Several Transfers in one transaction, out of the caller's balance: approve this contract first.
/// One address may stand in the list more than once, and amounts may be 0.
contract Multisend {
    function send(IToken token, address[] calldata recipients, uint256[] calldata amounts) external {
        require(recipients.length == amounts.length, "Multisend: lengths differ");
        for (uint256 i = 0; i < recipients.length; i++) {
            require(token.transferFrom(msg.sender, recipients[i], amounts[i]), "Multisend: transfer failed");
        }
    }

    /// The same over several tokens, so that one transaction mixes the logs of different contracts.
    function sendMixed(IToken[] calldata tokens, address[] calldata recipients, uint256[] calldata amounts) external {
        require(tokens.length == recipients.length && recipients.length == amounts.length, "Multisend: lengths differ");
        for (uint256 i = 0; i < recipients.length; i++) {
            require(tokens[i].transferFrom(msg.sender, recipients[i], amounts[i]), "Multisend: transfer failed");
        }
    }
}
