"""What frameworks call convolution is cross-correlation; both are one matrix product.

An 8x8 image, bright on the left (10) and dark on the right (0), and a 3x3 kernel whose columns are
1, 0 and -1. Its 6x6 cross-correlation, which is what torch computes, is 30 in the two columns that
see the edge and 0 elsewhere; its convolution, which turns the kernel by half a turn, is -30 there.

Largest difference from torch's result on random numbers in float64; all of it is rounding:

    sums written out, cross-correlation against conv2d                         0
    sums written out, convolution against conv2d of the turned kernel    1.3e-15
    a matrix of patches (im2col) times the kernel                        8.9e-16
    a Toeplitz matrix of the kernel (36 x 64) times the image            8.9e-16
    patches of 16 maps with stride 2 and zeros around, against conv2d          0
    gradient of conv2d for its input, against the full convolution             0

Of the 2304 entries of the Toeplitz matrix 324 may be other than zero, and they are 9 numbers: few
weights, shared between places. The matrix of patches has 324 entries for 64 pixels: a copy of each
pixel for each window that sees it, which is the price of one large product.

    python examples/convolution.py
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def cross_correlation(image: Tensor, kernel: Tensor) -> Tensor:
    """y[i, j] = sum over a, b of x[i + a, j + b] k[a, b], where the kernel lies on the image."""
    high, wide = kernel.shape
    rows, columns = image.shape[0] - high + 1, image.shape[1] - wide + 1
    found = image.new_zeros(rows, columns)
    for i in range(rows):
        for j in range(columns):
            for a in range(high):
                for b in range(wide):
                    found[i, j] += image[i + a, j + b] * kernel[a, b]
    return found


def convolution(image: Tensor, kernel: Tensor) -> Tensor:
    """y[i, j] = sum over a, b of x[i - a, j - b] k[a, b], where the kernel lies on the image.

    The place (i, j) counts from the kernel's last row and column, so that it starts at 0.
    """
    high, wide = kernel.shape
    rows, columns = image.shape[0] - high + 1, image.shape[1] - wide + 1
    found = image.new_zeros(rows, columns)
    for i in range(rows):
        for j in range(columns):
            for a in range(high):
                for b in range(wide):
                    found[i, j] += image[i + high - 1 - a, j + wide - 1 - b] * kernel[a, b]
    return found


def patches(image: Tensor, high: int, wide: int) -> Tensor:
    """One row per place of the kernel, with the pixels under it; (places, high * wide)."""
    rows, columns = image.shape[0] - high + 1, image.shape[1] - wide + 1
    return torch.stack(
        [image[i : i + high, j : j + wide].flatten() for i in range(rows) for j in range(columns)]
    )


def toeplitz(kernel: Tensor, height: int, width: int) -> Tensor:
    """The matrix that takes a flat image to its flat cross-correlation; (places, pixels).

    Row by row the kernel moves on by one pixel: blocks that are constant along their diagonals,
    in a matrix of blocks that is constant along its own.
    """
    high, wide = kernel.shape
    rows, columns = height - high + 1, width - wide + 1
    matrix = kernel.new_zeros(rows, columns, height, width)
    for i in range(rows):
        for j in range(columns):
            matrix[i, j, i : i + high, j : j + wide] = kernel
    return matrix.reshape(rows * columns, height * width)


def many_maps(images: Tensor, kernels: Tensor, stride: int, padding: int) -> Tensor:
    """A layer's convolution as one product per image: kernels (maps, pixels) times patches.

    images : (rows, channels, height, width)
    kernels : (maps, channels, side, side)
    """
    side = kernels.shape[2]
    columns = F.unfold(images, side, stride=stride, padding=padding)  # (rows, pixels, places)
    high, wide = ((size + 2 * padding - side) // stride + 1 for size in images.shape[2:])
    return (kernels.flatten(1) @ columns).unflatten(2, (high, wide))


def of_torch(image: Tensor, kernel: Tensor) -> Tensor:
    """Torch's conv2d of one image and one kernel."""
    return F.conv2d(image[None, None], kernel[None, None])[0, 0]


def edge() -> tuple[Tensor, Tensor]:
    """The 8x8 image with a vertical edge in its middle, and the 3x3 kernel that finds it."""
    image = torch.zeros(8, 8, dtype=torch.float64)
    image[:, :4] = 10
    return image, torch.tensor([[1.0, 0.0, -1.0]] * 3, dtype=torch.float64)


def differences(seed: int = 0) -> dict[str, float]:
    """Largest difference of each way from torch's result, on random numbers."""
    torch.manual_seed(seed)
    image, kernel = torch.randn(8, 8, dtype=torch.float64), torch.randn(3, 3, dtype=torch.float64)
    turned, expected = kernel.flip(0, 1), of_torch(image, kernel)
    images = torch.randn(2, 16, 9, 11, dtype=torch.float64)
    kernels = torch.randn(5, 16, 3, 3, dtype=torch.float64)
    given = image.clone().requires_grad_()
    upstream = torch.randn(6, 6, dtype=torch.float64)
    (gradient,) = torch.autograd.grad(of_torch(given, kernel), given, upstream)
    pairs = {
        "sums written out, cross-correlation": (cross_correlation(image, kernel), expected),
        "sums written out, convolution": (convolution(image, kernel), of_torch(image, turned)),
        "a matrix of patches": ((patches(image, 3, 3) @ kernel.flatten()).view(6, 6), expected),
        "a Toeplitz matrix": ((toeplitz(kernel, 8, 8) @ image.flatten()).view(6, 6), expected),
        "patches of 16 maps": (
            many_maps(images, kernels, stride=2, padding=1),
            F.conv2d(images, kernels, stride=2, padding=1),
        ),
        "gradient for the input": (convolution(F.pad(upstream, (2, 2, 2, 2)), kernel), gradient),
    }
    return {name: float((ours - theirs).abs().max()) for name, (ours, theirs) in pairs.items()}


def show(title: str, values: Tensor) -> None:
    print(f"\n{title}")
    for row in values.tolist():
        print(" ".join(f"{value:4.0f}" for value in row))


if __name__ == "__main__":
    image, kernel = edge()
    show("image, 8x8", image)
    show("kernel, 3x3", kernel)
    show("cross-correlation, 6x6, as torch's conv2d", cross_correlation(image, kernel))
    show("convolution, 6x6: the kernel is turned by half a turn", convolution(image, kernel))
    show("the patch at row 0, column 2, as a row of the matrix", patches(image, 3, 3)[2:3])
    matrix = toeplitz(kernel.new_ones(3, 3), 8, 8)
    print(f"\nToeplitz matrix {tuple(matrix.shape)}, {int(matrix.sum())} entries from 9 numbers")
    print(f"matrix of patches {tuple(patches(image, 3, 3).shape)}")
    print("\nlargest difference from torch, float64, random numbers")
    for name, difference in differences().items():
        print(f"{name:40} {difference:.1e}")
