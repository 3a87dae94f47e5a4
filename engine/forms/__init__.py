"""Forms: form-js files as Camunda Modeler writes them, and the answers they accept.

The file an analyst draws is the only description of a form. The browser renders it, this package checks what comes
back, and both must agree: what the browser's own validator (form-js-viewer 2.0) accepts is accepted here, except
where a comment says why the server is stricter.
"""

from engine.forms.field import Field, Option
from engine.forms.form import Form

__all__ = ["Field", "Form", "Option"]
