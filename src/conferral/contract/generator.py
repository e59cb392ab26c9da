"""The port of generators: they make the artifacts of a credential."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from conferral.contract.artifact import Artifact, GenerationRequest
from conferral.contract.options import Options

O = TypeVar("O", bound=Options)  # noqa: E741 - the O of Options


class Assets(Protocol):
    """The uploaded files that the options name, each in the version that this credential was issued with."""

    def read(self, slug: str) -> bytes:
        """The bytes of one asset; a PermanentError when the file is gone."""


class Generator(ABC, Generic[O]):
    """A maker of artifacts. `deterministic` promises that the same request gives the same bytes.

    A plugin of any sort may have a model `Settings` of what the site says, secrets among it: `settings` then has what
    CONFERRAL_PLUGINS says under the plugin's name. Give it a default, for tests.
    """

    label: ClassVar[str]
    version: ClassVar[str] = "1"
    deterministic: ClassVar[bool] = True
    Options: type[O]

    def check_asset(self, kind: str, content: bytes) -> None:
        """Refuse an upload of this kind (`pdf`, `font`, `image`) with a PermanentError that says why.

        Every installed generator is asked: speak only of kinds that you read.
        """
        return

    @abstractmethod
    def prepare(self, options: O, assets: Assets) -> Any:
        """The work that a batch shares: templates read, fonts parsed. What it returns is used by one thread at a time.

        It is also done when a type is saved, so that wrong options are refused then.
        """

    @abstractmethod
    def generate(self, prepared: Any, request: GenerationRequest) -> Sequence[Artifact]:
        """The artifacts of one credential. TransientError: again later; PermanentError: failed, with that reason."""

    def revoke(self, options: O, artifacts: Sequence[Artifact]) -> None:
        """Withdraw remote credentials; nothing to do for a file. It is asked again until it succeeds, perhaps after."""
        return
