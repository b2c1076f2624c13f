"""Serves the embedded AWS, in this process; its own variables set it up.

It differs from AWS in one thing that templates need: it applies no transform to
a nested stack. Here that parser of templates which nested stacks use applies
them, as it is done for stacks that aren't nested.
"""

from ministack.app import main
from ministack.services.cloudformation import engine

parse = engine._parse_template


def parse_and_transform(body: str) -> dict:
    """A template's text as its resources are made."""
    template = engine._apply_transforms(parse(body))
    if isinstance(template, engine._TransformFailed):
        raise ValueError(template.error)
    return template


if __name__ == "__main__":
    # Whoever parses other templates has bound the function itself by now.
    engine._parse_template = parse_and_transform
    main()
