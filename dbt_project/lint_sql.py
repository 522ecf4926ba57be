"""sqlfluff as the Makefile runs it: the same findings for about half of the work.

`python -m dbt_project.lint_sql lint <paths>` takes what `sqlfluff` takes. Each of its worker
processes imports this module again, and so works the same way.
"""

import gc
from collections.abc import Iterator

from sqlfluff.cli.commands import cli
from sqlfluff.core.errors import SQLTemplaterError
from sqlfluff.core.templaters.base import TemplatedFile
from sqlfluff.core.templaters.jinja import JinjaTemplater

render = JinjaTemplater.process_with_variants


def render_each_once(
    templater: JinjaTemplater, **file: object
) -> Iterator[tuple[TemplatedFile, list[SQLTemplaterError]]]:
    """The renderings of a file that differ from each other.

    sqlfluff renders a file again for the text that its first rendering left out, to lint the other
    branch of a condition too. To it, the line break that `{%- set` trims is such text; then the
    second rendering is the first once more, and linting it doubles the work on the longest models.

    Args:
        templater: What renders.
        **file: The file, as sqlfluff hands it over.

    Yields:
        Each rendering and its violations, unless its text came before, from the same places.
    """
    seen = []
    for rendered, violations in render(templater, **file):
        rendering = (rendered.templated_str, rendered.sliced_file)
        if rendering not in seen:
            seen.append(rendering)
            yield rendered, violations


JinjaTemplater.process_with_variants = render_each_once

# A syntax tree is hundreds of thousands of objects that live until their file is linted. Looking
# among them for garbage after every 700 took a fifth of the time.
gc.set_threshold(1_000_000)

if __name__ == "__main__":
    cli(prog_name="sqlfluff")
