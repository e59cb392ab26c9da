"""What becomes of a certificate."""


class CertificateStatuses:
    downloadable = "downloadable"
    notpassing = "notpassing"
    unavailable = "unavailable"
