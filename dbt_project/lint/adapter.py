"""dbt's ``adapter`` while sqlfluff renders a model: every dispatched macro is the default one.

sqlfluff renders macros without dbt, and so without an engine to dispatch to. Only what dispatched
macros need is here.
"""

from collections.abc import Callable

from jinja2 import pass_context
from jinja2.runtime import Context


@pass_context
def dispatch(context: Context, macro_name: str, macro_namespace: str) -> Callable[..., str]:
    """The default implementation of a macro.

    Args:
        context: What is being rendered.
        macro_name: Name of the macro that dispatches.
        macro_namespace: The project; there is only one.

    Returns:
        The macro `default__<macro_name>`.
    """
    return context[f"default__{macro_name}"]
