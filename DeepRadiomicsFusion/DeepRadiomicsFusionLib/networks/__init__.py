"""Networks, their weights, bundles and devices, and whom they have seen."""
