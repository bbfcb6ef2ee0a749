"""What training makes small: weighted cross-entropy with missing labels, Cox's partial likelihood, Dice.

All take and return tensors, work in float32 or better whatever the network's precision, and can be differentiated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from RadiomicsCoreLib.errors import InputError

if TYPE_CHECKING:
    import torch


def binary_cross_entropy(
    logits: torch.Tensor, labels: torch.Tensor, positive_weight: torch.Tensor | None = None
) -> torch.Tensor:
    """Mean weighted binary cross-entropy over the labels that are there.

    Args:
        logits: (B, E), before the sigmoid.
        labels: (B, E), 0 or 1, NaN where missing.
        positive_weight: (E,) weight of a positive label; usually negatives / positives of the training cohort.

    Returns:
        Scalar; 0, with gradient 0, if every label is missing.

    Example:
        >>> import torch
        >>> labels = torch.tensor([[1.0, float("nan")]])
        >>> round(binary_cross_entropy(torch.zeros(1, 2), labels).item(), 4)
        0.6931
    """
    import torch
    from torch.nn import functional

    if logits.shape != labels.shape:
        raise InputError(f"the network gives {tuple(logits.shape)} outputs for labels of shape {tuple(labels.shape)}")
    logits = _at_least_float32(logits)
    known = ~torch.isnan(labels)
    labels = torch.where(known, labels, torch.zeros_like(labels)).to(logits.dtype)
    weight = None if positive_weight is None else positive_weight.to(logits)
    each = functional.binary_cross_entropy_with_logits(logits, labels, pos_weight=weight, reduction="none")
    return (each * known).sum() / known.sum().clamp(min=1)


def cox_log_likelihood(log_risk: torch.Tensor, time: torch.Tensor, event: torch.Tensor) -> torch.Tensor:
    """Cox's partial log-likelihood with Efron's handling of ties, as R's ``coxph`` has it.

    Sums over risk sets are log-sum-exp, so that no size of risk overflows. Memory is (distinct event times x
    patients): 40 MB for 10,000 patients with 1,000 event times.

    Args:
        log_risk: (n,) log relative hazards.
        time: (n,) follow-up, any positive unit.
        event: (n,) 1 for an event, 0 for censored.

    Returns:
        Scalar; 0, with gradient 0, without an event.

    Raises:
        InputError: shapes that differ.

    Reference:
        Efron B. The efficiency of Cox's likelihood function for censored data. JASA 1977;72:557-565.

    Example:
        >>> import torch
        >>> time, event = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1, 0, 1])
        >>> round(cox_log_likelihood(torch.zeros(3), time, event).item(), 4)  # -log 3 - log 1
        -1.0986
    """
    import torch

    if not log_risk.shape == time.shape == event.shape or log_risk.ndim != 1:
        shapes = ", ".join(str(tuple(item.shape)) for item in (log_risk, time, event))
        raise InputError(f"risk, time and event have shapes {shapes}; give three vectors of one length")
    log_risk, is_event = _at_least_float32(log_risk), event > 0.5
    if not is_event.any():
        return log_risk.sum() * 0
    times, place, sizes = torch.unique(time[is_event], return_inverse=True, return_counts=True)
    nothing = log_risk.new_tensor(-torch.inf)
    at_risk = time[None, :] >= times[:, None]
    tied = (time[None, :] == times[:, None]) & is_event[None, :]
    log_at_risk = torch.where(at_risk, log_risk[None, :], nothing).logsumexp(dim=1)
    log_tied = torch.where(tied, log_risk[None, :], nothing).logsumexp(dim=1)
    # Efron: of the tied events' risk, the share l / size is taken off at the l-th of them, l = 0, 1, ...
    order = torch.argsort(place, stable=True)
    rank = torch.arange(len(place), device=place.device) - (torch.cumsum(sizes, 0) - sizes)[place[order]]
    group = place[order]
    share = rank / sizes[group].to(log_risk.dtype)
    left = torch.log1p(-share * torch.exp(log_tied - log_at_risk)[group])
    return log_risk[is_event].sum() - (log_at_risk[group] + left).sum()


def cox_loss(log_risk: torch.Tensor, time: torch.Tensor, event: torch.Tensor) -> torch.Tensor:
    """Negative partial log-likelihood (Efron) per event; see :func:`cox_log_likelihood`.

    Per event, so that its size does not depend on the batch.
    """
    return -cox_log_likelihood(log_risk, time, event) / (event > 0.5).sum().clamp(min=1)


def segmentation_cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy over pixels.

    Args:
        logits: (B, L, ...) one channel a label; with one channel, the logit of label 1.
        labels: (B, ...) whole numbers from 0.
    """
    from torch.nn import functional

    logits = _at_least_float32(logits)
    if logits.shape[1] == 1:
        return functional.binary_cross_entropy_with_logits(logits[:, 0], labels.to(logits.dtype))
    return functional.cross_entropy(logits, labels.long())


def dice(prediction: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Dice overlap 2|A and B| / (|A| + |B|) of two masks (B, ...), one value a sample; 1 where both are empty.

    Reference: Dice LR. Measures of the amount of ecologic association between species. Ecology 1945;26:297-302.
    """
    import torch

    a, b = prediction.flatten(1).bool(), truth.flatten(1).bool()
    total = a.sum(1) + b.sum(1)
    shared = (a & b).sum(1)
    return torch.where(total > 0, 2 * shared / total.clamp(min=1), torch.ones_like(total, dtype=torch.float32))


def soft_dice_loss(logits: torch.Tensor, labels: torch.Tensor, *, smooth: float = 1.0) -> torch.Tensor:
    """One minus the Dice overlap of the probabilities with label 1, averaged over samples.

    Args:
        logits: (B, 1, ...) or (B, 2, ...).
        labels: (B, ...), 1 inside.
        smooth: added above and below, so that an empty slice has a gradient.

    Reference: Milletari F et al. V-Net. 3DV 2016, section 3.
    """
    import torch

    logits = _at_least_float32(logits)
    inside = torch.sigmoid(logits[:, 0]) if logits.shape[1] == 1 else torch.softmax(logits, dim=1)[:, 1]
    inside, labels = inside.flatten(1), (labels == 1).flatten(1).to(logits.dtype)
    shared = (inside * labels).sum(1)
    return (1 - (2 * shared + smooth) / (inside.sum(1) + labels.sum(1) + smooth)).mean()


def _at_least_float32(values: torch.Tensor) -> torch.Tensor:
    import torch

    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
