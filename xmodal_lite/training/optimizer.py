"""The optimizer of a recipe: which weights decay, and at which learning rate each part of a model learns."""

from __future__ import annotations

import torch

from xmodal_lite.models.matcher import Matcher
from xmodal_lite.recipe import Recipe


def make_optimizer(matcher: Matcher, recipe: Recipe) -> torch.optim.Optimizer:
    """Return the recipe's optimizer; what has one dimension (scales, biases) is not decayed.

    The modality embeddings of cmUNet have more than one, and are decayed. Each group keeps its factor of the learning
    rate as `factor`.
    """
    groups = [
        {"params": parameters, "weight_decay": recipe.weight_decay * decayed, "factor": factor}
        for factor, named in param_groups(matcher, recipe).items()
        for decayed in (True, False)
        if (parameters := [p for p in named if (p.ndim > 1) == decayed])
    ]
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.lr, fused=True)
    return torch.optim.SGD(groups, lr=recipe.lr, momentum=0.9, nesterov=True, fused=True)


def param_groups(matcher: Matcher, recipe: Recipe) -> dict[float, list[torch.nn.Parameter]]:
    """Return the trained parameters by the factor of their learning rate; see `Matcher.lr_groups`."""
    factors = {
        part: recipe.lr_multipliers.get(group, 1.0)
        for group, parts in matcher.lr_groups.items()
        for part in parts
    }
    groups: dict[float, list[torch.nn.Parameter]] = {}
    for name, parameter in matcher.named_parameters():
        if parameter.requires_grad:
            factor = next((factors[part] for part in name.split(".") if part in factors), 1.0)
            groups.setdefault(factor, []).append(parameter)
    return groups
