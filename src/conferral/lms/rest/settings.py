"""What the gateway has to be told: `CONFERRAL_PLUGINS = {"rest": {…}}`."""

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from conferral.contract.context import is_address


class RestSettings(BaseModel):
    """Where the LMS is, who we are there, and how hard it may be asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(description="Address of the LMS, for example `https://lms.example.org`.")
    client_id: str = Field(description="Of an OAuth2 application with client credentials, whose user is staff.")
    client_secret: SecretStr = Field(description="The application's secret.")
    lessons: list[str] = Field(
        default_factory=list,
        description="Keys of courses that are lessons, or patterns of them with `*`: no API tells which ones are.",
    )
    verified_names: bool = Field(
        True, description="Whether a verified name is asked for of learners who have one: a call for each of those."
    )
    retirement_users: list[str] = Field(
        default_factory=list,
        description="Usernames in the LMS whose tokens may have learners removed here: that of the platform's "
        "retirement driver.",
    )
    page_size: int = Field(1000, ge=10, le=10000, description="Learners in a page of grades or completion.")
    concurrency: int = Field(4, ge=1, le=32, description="Calls that are under way at once, at most.")
    timeout: float = Field(120, ge=1, le=600, description="Seconds that the LMS has for each part of an answer.")
    tries: int = Field(5, ge=1, le=20, description="How often a call is tried that failed in a way that may pass.")
    backoff: float = Field(1, ge=0, le=60, description="Seconds before the second try; doubled with each further one.")
    longest_wait: float = Field(
        120, ge=0, le=3600, description="Seconds that a run waits for a throttle; for more, it is tried again later."
    )

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if not is_address(value):
            raise ValueError("write an address like https://lms.example.org")
        return value.rstrip("/")
