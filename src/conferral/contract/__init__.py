"""All that the author of a plugin imports: pure Python, no Django.

A *processor* decides who is eligible, a *generator* makes the artifacts of one credential, a *gateway* (`LMS`) tells
what the learning platform knows. A package offers one under the entry-point groups `conferral.processors`,
`conferral.generators` and `conferral.gateways`; the name of the entry point is what Conferral stores.
"""

from conferral.contract.artifact import Artifact, GenerationRequest, IssuerSnapshot, Snapshot
from conferral.contract.audience import Audience
from conferral.contract.context import KEY_LENGTH, Kind, LearningContext, check_key
from conferral.contract.decision import Decision, Fact
from conferral.contract.errors import ConferralError, NotAccepted, OptionsError, PermanentError, Phrase, TransientError
from conferral.contract.generator import Assets, Generator
from conferral.contract.lms import LMS, Check, Known
from conferral.contract.options import AssetReference, FontAsset, ImageAsset, Options, PDFAsset, Share
from conferral.contract.pathways import PathwaySource
from conferral.contract.processor import Processor
from conferral.contract.progress import Enrolment, Grades, Need, Person, Progress, Standing
from conferral.contract.publication import Publication
from conferral.contract.sample import sample_request

__all__ = [
    "KEY_LENGTH",
    "LMS",
    "Artifact",
    "AssetReference",
    "Assets",
    "Audience",
    "Check",
    "ConferralError",
    "Decision",
    "Enrolment",
    "Fact",
    "FontAsset",
    "GenerationRequest",
    "Generator",
    "Grades",
    "ImageAsset",
    "IssuerSnapshot",
    "Kind",
    "Known",
    "LearningContext",
    "Need",
    "NotAccepted",
    "Options",
    "OptionsError",
    "PDFAsset",
    "PathwaySource",
    "PermanentError",
    "Person",
    "Phrase",
    "Processor",
    "Progress",
    "Publication",
    "Share",
    "Snapshot",
    "Standing",
    "TransientError",
    "check_key",
    "sample_request",
]
