"""Torch's own Transformer layers with the weights of our blocks."""

import torch
from torch import nn


def drawn(module):
    """The module with all parameters drawn, so that no bias is zero and no norm is plain."""
    torch.manual_seed(0)
    for one in module.parameters():
        nn.init.normal_(one, std=0.5)
    return module


def torchs_encoder(block, norm, activation="gelu"):
    """Torch's encoder layer with the weights of our block."""
    attention, inner = block.attention, block.feed_forward.first.out_features
    theirs = nn.TransformerEncoderLayer(
        attention.last.in_features, attention.heads, inner, 0.0, activation,
        batch_first=True, norm_first=norm == "pre",
    )  # fmt: skip
    copy_attention(theirs.self_attn, attention)
    copy_rest(theirs, block, [block.attention_norm, block.feed_forward_norm])
    return theirs


def torchs_decoder(block, norm, activation="gelu"):
    """Torch's decoder layer with the weights of our block."""
    attention, inner = block.attention, block.feed_forward.first.out_features
    theirs = nn.TransformerDecoderLayer(
        attention.last.in_features, attention.heads, inner, 0.0, activation,
        batch_first=True, norm_first=norm == "pre",
    )  # fmt: skip
    copy_attention(theirs.self_attn, attention)
    copy_attention(theirs.multihead_attn, block.cross_attention)
    copy_rest(theirs, block, [block.attention_norm, block.cross_norm, block.feed_forward_norm])
    return theirs


def copy_attention(theirs, ours):
    """Give torch's attention our weights."""
    theirs.in_proj_weight.data = ours.queries_keys_values.weight.data
    theirs.in_proj_bias.data = ours.queries_keys_values.bias.data
    theirs.out_proj.load_state_dict(ours.last.state_dict())


def copy_rest(theirs, ours, norms):
    """Give torch's layer our small network and our normalizations."""
    theirs.linear1.load_state_dict(ours.feed_forward.first.state_dict())
    theirs.linear2.load_state_dict(ours.feed_forward.last.state_dict())
    for number, norm in enumerate(norms, 1):
        getattr(theirs, f"norm{number}").load_state_dict(norm.state_dict())
