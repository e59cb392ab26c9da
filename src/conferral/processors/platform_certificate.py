"""The platform's own certificate: whoever holds one that can be downloaded."""

from collections.abc import Sequence
from typing import Any

from conferral.contract import Decision, Fact, Need, Options, Processor, Progress


class PlatformCertificateOptions(Options):
    """Nothing is to be said: the platform decides."""


class PlatformCertificate(Processor[PlatformCertificateOptions]):
    """Eligible when the platform has issued its certificate, from the day that it shows."""

    label = "Platform certificate"
    needs = frozenset({Need.CERTIFICATE})
    dated = True
    Options = PlatformCertificateOptions

    def example(self, options: PlatformCertificateOptions) -> Sequence[Fact]:
        """Holds it."""
        return (_fact(holds=True),)

    def decide(self, progress: Progress, options: PlatformCertificateOptions, gathered: Any) -> Decision:
        """Holds it or not; earned on its date."""
        return Decision.on(_fact(holds=progress.certificate is not None), earned=progress.certificate)


def _fact(*, holds: bool) -> Fact:
    return Fact("platform certificate", "held" if holds else "not held", "held", met=holds)
