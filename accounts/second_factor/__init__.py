"""The one door to second factors: whether somebody has one, and proving with it that they are there."""

from .codes import check_code
from .step_up import (
    FACTORS,
    Proof,
    SecondFactorMissing,
    StepUp,
    StepUpFailed,
    StepUpMissing,
    StepUpThrottled,
    StepUpUnavailable,
    WrongCode,
    WrongPasskey,
    has_second_factor,
    is_fresh,
    verify_step_up,
)

__all__ = [
    "FACTORS",
    "Proof",
    "SecondFactorMissing",
    "StepUp",
    "StepUpFailed",
    "StepUpMissing",
    "StepUpThrottled",
    "StepUpUnavailable",
    "WrongCode",
    "WrongPasskey",
    "check_code",
    "has_second_factor",
    "is_fresh",
    "verify_step_up",
]
