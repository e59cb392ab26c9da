"""The records: fields, constraints, querysets. No I/O, no plugins, no work in save() or signals.

One set of migrations serves Django 4.2 and 5.2 on SQLite, PostgreSQL, MySQL and MariaDB; the rules that this takes are
in docs/decisions/0003-one-set-of-migrations.md.
"""

from conferral.models.act import Act
from conferral.models.artifact import CredentialArtifact
from conferral.models.asset import CredentialAsset
from conferral.models.candidate import Candidate
from conferral.models.configuration import CredentialConfiguration
from conferral.models.credential import Credential
from conferral.models.credential_type import CredentialType
from conferral.models.delivery import Delivery
from conferral.models.dry_run import DryRun, DryRunRow
from conferral.models.edition import Edition, EditionAsset
from conferral.models.issuer import Issuer
from conferral.models.learner import Learner
from conferral.models.name_request import NameRequest
from conferral.models.name_word import NameWord
from conferral.models.reissue import Reissue
from conferral.models.roster import Context, RosterEntry
from conferral.models.run import Run
from conferral.models.standstill import Standstill

__all__ = [
    "Act",
    "Candidate",
    "Context",
    "Credential",
    "CredentialArtifact",
    "CredentialAsset",
    "CredentialConfiguration",
    "CredentialType",
    "Delivery",
    "DryRun",
    "DryRunRow",
    "Edition",
    "EditionAsset",
    "Issuer",
    "Learner",
    "NameRequest",
    "NameWord",
    "Reissue",
    "RosterEntry",
    "Run",
    "Standstill",
]
