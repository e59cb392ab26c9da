"""What a credential page tells strangers: the options that are the same for every design."""

from pydantic import Field

from conferral.contract.options import Options


class Publication(Options):
    """What a type publishes on the pages of its credentials. It is frozen when a credential is issued."""

    description: str = Field("", max_length=2000, description="What it certifies, in words of your own.")
    criteria: str = Field(
        "",
        max_length=2000,
        description="How it is earned, in words of your own; empty: what the rule asked for, without what the learner "
        "reached.",
    )
    evidence: bool = Field(
        False, description="Whether everybody who has the link sees what the learner reached, figure by figure."
    )
    files: bool = Field(True, description="Whether everybody who has the link may download the files.")
    revocation_reason: bool = Field(
        False, description="Whether everybody who has the link sees why a credential was revoked."
    )
