"""The `pdf` generator: a PDF template from the assets, with texts set on it."""

from conferral.generators.pdf.generator import PDF

__all__ = ["PDF"]
