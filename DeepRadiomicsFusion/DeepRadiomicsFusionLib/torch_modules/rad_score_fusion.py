"""A backbone whose deep features meet RadScores before the last layer."""

from __future__ import annotations

import torch
from torch import nn


class RadScoreNetwork(nn.Module):
    """Two fully connected layers after a backbone; the RadScores enter between them.

    Args:
        backbone: gives (B, deep_features); its last layer is the first of the two.
        deep_features: outputs of the backbone.
        scores: RadScores beside each image.
        out_features: outputs, one for each endpoint.

    The RadScores are standardised inside, with the means and standard deviations in the buffers ``score_mean`` and
    ``score_sd``, so that they travel with the weights.

    Shape: (B, C, H, W) and (B, scores) to (B, out_features).

    Reference: zhang2024, Biomark Res 2024;12:12. No activation is told of between the layers; there is none.
    """

    score_mean: torch.Tensor
    score_sd: torch.Tensor

    def __init__(self, backbone: nn.Module, deep_features: int, scores: int, out_features: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.last = nn.Linear(deep_features + scores, out_features)
        self.register_buffer("score_mean", torch.zeros(scores))
        self.register_buffer("score_sd", torch.ones(scores))

    def forward(self, image: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        return self.last(self.penultimate(image, scores))

    def penultimate(self, image: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """What enters the last layer: the deep features, then the standardised RadScores."""
        return torch.cat([self.backbone(image), (scores - self.score_mean) / self.score_sd], dim=1)
