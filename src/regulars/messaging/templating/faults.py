"""What can be wrong with a template, and with one message made of it."""

from typing import ClassVar

from regulars.kernel.errors import RegularsError


class TemplateFaultError(RegularsError):
    """The template cannot be used as it is written. `part` says where: subject, preheader or body."""

    code: ClassVar[str] = "template_fault"


class TemplateTooBigError(TemplateFaultError):
    """The template is longer, deeper or busier than a message may be."""

    code: ClassVar[str] = "template_too_big"


class FillingError(RegularsError):
    """This customer's message cannot be made of the template. Others are not touched."""

    code: ClassVar[str] = "filling_failed"
