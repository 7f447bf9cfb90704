// SPDX-License-Identifier: AGPL-3.0-or-later
pragma solidity 0.8.37;

/// The parts of Tether's token on Arbitrum that the portal meets: 6 decimals, a blocklist that is checked on the
/// sender only (money can still arrive at a blocked address and stick), a pause, and an owner who mints.
/// Written for local chains; never deploy it elsewhere.
contract TetherLike {
    string public constant name = "Tether USD (devnet)";
    string public constant symbol = "USDT";
    uint8 public constant decimals = 6;

    address public owner = msg.sender;
    bool public paused;
    uint256 public totalSupply;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;
    mapping(address => bool) public isBlocked;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);
    event BlockPlaced(address indexed user);
    event BlockReleased(address indexed user);
    event DestroyedBlockedFunds(address indexed blockedUser, uint256 balance);
    event Pause();
    event Unpause();

    modifier onlyOwner() {
        require(msg.sender == owner, "Ownable: caller is not the owner");
        _;
    }

    function mint(address to, uint256 amount) external onlyOwner {
        totalSupply += amount;
        balanceOf[to] += amount;
        emit Transfer(address(0), to, amount);
    }

    function addToBlockedList(address user) external onlyOwner {
        isBlocked[user] = true;
        emit BlockPlaced(user);
    }

    function removeFromBlockedList(address user) external onlyOwner {
        isBlocked[user] = false;
        emit BlockReleased(user);
    }

    /// As in the original, the balance vanishes without a Transfer.
    function destroyBlockedFunds(address user) external onlyOwner {
        require(isBlocked[user], "TetherToken: user is not blocked");
        uint256 funds = balanceOf[user];
        balanceOf[user] = 0;
        totalSupply -= funds;
        emit DestroyedBlockedFunds(user, funds);
    }

    function pause() external onlyOwner {
        paused = true;
        emit Pause();
    }

    function unpause() external onlyOwner {
        paused = false;
        emit Unpause();
    }

    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        _move(msg.sender, to, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        uint256 allowed = allowance[from][msg.sender];
        require(allowed >= value, "ERC20: insufficient allowance");
        if (allowed != type(uint256).max) {
            allowance[from][msg.sender] = allowed - value;
        }
        _move(from, to, value);
        return true;
    }

    function _move(address from, address to, uint256 value) private {
        require(!paused, "Pausable: paused");
        require(!isBlocked[from], "TetherToken: from is blocked");
        require(to != address(0) && to != address(this), "TetherToken: transfer to the zero address or the token");
        uint256 balance = balanceOf[from];
        require(balance >= value, "ERC20: transfer amount exceeds balance");
        unchecked {
            balanceOf[from] = balance - value;
            balanceOf[to] += value;
        }
        emit Transfer(from, to, value);
    }
}
