"""Serves the embedded AWS, in this process; its own variables set it up.

Two things that nested stacks need, and that it does for other stacks, are added:
their templates are transformed, and what an update leaves as it is keeps its
attributes.
"""

from ministack import app
from ministack.services import cloudformation
from ministack.services.cloudformation import engine, provisioners

parse = engine._parse_template
update = provisioners._update_resource


def parse_and_transform(body: str) -> dict:
    """A nested stack's template, as its resources are made."""
    template = engine._apply_transforms(parse(body))
    if isinstance(template, engine._TransformFailed):
        raise ValueError(template.error)
    return template


def update_resource(kind, physical_id, old, new, stack, logical_id=None, old_attrs=None):
    """A resource's new physical id and attributes."""
    if old_attrs is None:
        had = cloudformation._stacks.get(stack, {}).get("_resources", {})
        old_attrs = had.get(logical_id, {}).get("Attributes")
    return update(kind, physical_id, old, new, stack, logical_id, old_attrs)


if __name__ == "__main__":
    # Nested stacks look these up when they are deployed; whoever parses the
    # templates of other stacks has bound the function itself by now.
    engine._parse_template = parse_and_transform
    provisioners._update_resource = update_resource
    app.main()
