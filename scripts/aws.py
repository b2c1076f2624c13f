"""Serves the embedded AWS, in this process; its own variables set it up.

Two things that nested stacks need are added: their templates are transformed,
with the values of their parameters as on AWS, and what an update leaves as it is
keeps its attributes, as it does in other stacks.
"""

import contextvars

from ministack import app
from ministack.services import cloudformation
from ministack.services.cloudformation import engine, provisioners

parse = engine._parse_template
deploy = provisioners._cfn_nested_stack_deploy
update = provisioners._update_resource
parameters = contextvars.ContextVar("parameters", default={})


def deploy_nested(logical_id, properties, parent, **previous):
    """Deploys a nested stack."""
    token = parameters.set(properties.get("Parameters") or {})
    try:
        return deploy(logical_id, properties, parent, **previous)
    finally:
        parameters.reset(token)


def parse_and_transform(body: str) -> dict:
    """A nested stack's template, as its resources are made."""
    template = parse(body)
    for name, value in parameters.get().items():  # transforms know defaults only
        if name in template.get("Parameters", {}):
            template["Parameters"][name]["Default"] = value
    template = engine._apply_transforms(template)
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
    provisioners._cfn_nested_stack_deploy = deploy_nested
    provisioners._update_resource = update_resource
    app.main()
