// SPDX-License-Identifier: AGPL-3.0-or-later
pragma solidity 0.8.37;

/// What a deprecated token hands its calls on to.
interface Successor {
    function transferByLegacy(address from, address to, uint256 value) external returns (bool);
    function balanceOf(address holder) external view returns (uint256);
}

/// Stands for USDT on TRON on the local chain, with its quirks: `transfer` says false although it succeeded, the
/// blacklist looks at the sender only, a fee can be switched on, and funds of a blacklisted holder can be destroyed
/// without a Transfer. Not meant for a real network.
contract TronTetherLike {
    string public constant name = "Tether USD (local)";
    string public constant symbol = "USDT";
    uint8 public constant decimals = 6;

    address public owner;
    bool public paused;
    bool public deprecated;
    address public upgradedAddress;
    uint256 public totalSupply;
    uint256 public basisPointsRate;
    uint256 public maximumFee;
    mapping(address => uint256) private balances;
    mapping(address => mapping(address => uint256)) private allowed;
    mapping(address => bool) public isBlackListed;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed holder, address indexed spender, uint256 value);
    event Issue(uint256 amount);
    event Redeem(uint256 amount);
    event Deprecate(address newAddress);
    event Params(uint256 feeBasisPoints, uint256 maxFee);
    event AddedBlackList(address indexed holder);
    event RemovedBlackList(address indexed holder);
    event DestroyedBlackFunds(address indexed holder, uint256 balance);
    event Pause();
    event Unpause();

    modifier onlyOwner() {
        require(msg.sender == owner, "only the owner");
        _;
    }

    /// Calldata cut short would be filled up with zeros, and the amount multiplied.
    modifier onlyPayloadSize(uint256 size) {
        require(msg.data.length >= size + 4, "the call data is too short");
        _;
    }

    modifier whenNotPaused() {
        require(!paused, "the token is paused");
        _;
    }

    constructor() {
        owner = msg.sender;
    }

    function balanceOf(address holder) public view returns (uint256) {
        return deprecated ? Successor(upgradedAddress).balanceOf(holder) : balances[holder];
    }

    function allowance(address holder, address spender) external view returns (uint256) {
        return allowed[holder][spender];
    }

    /// Says false when it succeeds: what counts is the receipt and the Transfer in it.
    function transfer(address to, uint256 value) external whenNotPaused onlyPayloadSize(64) returns (bool) {
        require(!isBlackListed[msg.sender], "the sender is blacklisted");
        if (deprecated) {
            return Successor(upgradedAddress).transferByLegacy(msg.sender, to, value);
        }
        _transferWithFee(msg.sender, to, value);
        return false;
    }

    function transferFrom(address from, address to, uint256 value) external whenNotPaused returns (bool) {
        require(!isBlackListed[from], "the sender is blacklisted");
        uint256 left = allowed[from][msg.sender];
        require(left >= value, "not allowed that much");
        if (left != type(uint256).max) {
            allowed[from][msg.sender] = left - value;
        }
        _transferWithFee(from, to, value);
        return true;
    }

    function approve(address spender, uint256 value) external whenNotPaused returns (bool) {
        allowed[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    function calcFee(uint256 value) public view returns (uint256) {
        uint256 fee = (value * basisPointsRate) / 10000;
        return fee > maximumFee ? maximumFee : fee;
    }

    function _transferWithFee(address from, address to, uint256 value) private {
        uint256 fee = calcFee(value);
        _move(from, to, _sub(value, fee));
        if (fee > 0) {
            _move(from, owner, fee);
        }
    }

    function _move(address from, address to, uint256 value) private {
        require(to != address(0), "nobody's address");
        balances[from] = _sub(balances[from], value);
        balances[to] = _add(balances[to], value);
        emit Transfer(from, to, value);
    }

    function _sub(uint256 a, uint256 b) private pure returns (uint256) {
        require(b <= a, "not enough tokens");
        return a - b;
    }

    function _add(uint256 a, uint256 b) private pure returns (uint256) {
        uint256 sum = a + b;
        require(sum >= a, "more tokens than there can be");
        return sum;
    }

    // --- the owner ---

    function issue(uint256 amount) external onlyOwner {
        balances[owner] += amount;
        totalSupply += amount;
        emit Issue(amount);
        emit Transfer(address(0), owner, amount);
    }

    function redeem(uint256 amount) external onlyOwner {
        balances[owner] -= amount;
        totalSupply -= amount;
        emit Redeem(amount);
        emit Transfer(owner, address(0), amount);
    }

    function setParams(uint256 newBasisPoints, uint256 newMaxFee) external onlyOwner {
        basisPointsRate = newBasisPoints;
        maximumFee = newMaxFee;
        emit Params(newBasisPoints, newMaxFee);
    }

    function pause() external onlyOwner {
        paused = true;
        emit Pause();
    }

    function unpause() external onlyOwner {
        paused = false;
        emit Unpause();
    }

    function addBlackList(address holder) external onlyOwner {
        isBlackListed[holder] = true;
        emit AddedBlackList(holder);
    }

    function removeBlackList(address holder) external onlyOwner {
        isBlackListed[holder] = false;
        emit RemovedBlackList(holder);
    }

    /// Without a Transfer: only the balance tells.
    function destroyBlackFunds(address holder) external onlyOwner {
        require(isBlackListed[holder], "the holder is not blacklisted");
        uint256 gone = balances[holder];
        balances[holder] = 0;
        totalSupply -= gone;
        emit DestroyedBlackFunds(holder, gone);
    }

    function deprecate(address newAddress) external onlyOwner {
        deprecated = true;
        upgradedAddress = newAddress;
        emit Deprecate(newAddress);
    }
}
