"""What a failed stream of the synthesizer means: only silence may be asked again."""

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError, Metadata

from chassis.failure import DETAILS_HEADER, unknown
from kernel.errors import AuditRejected, StoreUnavailable
from synthesizer.client import failure_of
from wire.errors import status_of


def failed(code: StatusCode, *trailers: tuple[str, bytes]) -> AioRpcError:
    return AioRpcError(code, Metadata(), Metadata(*trailers), details="because")


@pytest.mark.parametrize("code", [StatusCode.UNAVAILABLE, StatusCode.DEADLINE_EXCEEDED])
def test_silence_may_be_asked_again_and_says_why(code: StatusCode) -> None:
    failure = failure_of(failed(code))
    assert isinstance(failure, StoreUnavailable)
    assert failure.text == f"the synthesizer does not answer: {code.name} because"


@pytest.mark.parametrize("code", [StatusCode.INTERNAL, StatusCode.UNKNOWN, StatusCode.RESOURCE_EXHAUSTED])
def test_a_fault_is_never_paid_for_again(code: StatusCode) -> None:
    failure = failure_of(failed(code))
    assert isinstance(failure, RuntimeError)
    assert status_of(failure) is None
    assert f"{code.name} because" in str(failure)


def test_a_fault_with_an_id_is_a_fault_whatever_its_code() -> None:
    status = (DETAILS_HEADER, unknown("abc").SerializeToString())
    assert isinstance(failure_of(failed(StatusCode.UNAVAILABLE, status)), RuntimeError)


def test_a_kernel_failure_comes_back_as_it_was() -> None:
    sent = status_of(AuditRejected("refused", rules="BAT301"))
    assert sent is not None
    back = failure_of(failed(StatusCode.FAILED_PRECONDITION, (DETAILS_HEADER, sent.SerializeToString())))
    assert isinstance(back, AuditRejected)
    assert back.fields["rules"] == "BAT301"
