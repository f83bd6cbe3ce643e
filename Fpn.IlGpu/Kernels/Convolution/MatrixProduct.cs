using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The matrix product of a fully connected layer:
/// <code>out[m, k] = f( bias[k] + Σ c  in[m, c] · weights[c, k] )</code>
/// It is a 1×1 convolution over one row of M pixels, and so shares its tile (<see cref="ConvolutionTile"/>). Only the device may know
/// how many rows count, the number of proposals for example; tiles of rows beyond that number are skipped.
/// </summary>
internal static class MatrixProduct
{
    /// <summary>Runs the product in the form that its weights are packed for.</summary>
    /// <param name="device">The device that holds all tensors.</param>
    /// <param name="input">[M, …]: all dimensions but the first together are the C values of a row.</param>
    /// <param name="weights">Weights [C, K] and bias [K], packed for this device.</param>
    /// <param name="liveRows">[1]: how many of the M rows count; the other rows of the output are undefined.</param>
    /// <param name="activation">f.</param>
    /// <param name="output">[M, 1, 1, K].</param>
    public static void Run(
        Device device, Tensor input, ConvolutionWeights weights, ArrayView<int> liveRows, Activation activation, Tensor output)
    {
        var rows = input.Shape.N;
        var depth = (int)(input.Shape.Length / Math.Max(1, rows));
        var geometry = weights.Geometry;
        if (geometry != ConvolutionGeometry.Product(depth, geometry.OutputC))
            throw new ArgumentException($"Weights for {geometry.ChannelGroupInputC} values don't fit rows of {depth}.", nameof(weights));
        if (output.Shape != new Shape(rows, 1, 1, weights.OutputC))
            throw new ArgumentException($"The output must be [{rows}, 1, 1, {weights.OutputC}], not {output.Shape}.", nameof(output));
        var flat = ConvolutionSizes.From(
            new Shape(1, 1, rows, depth), new Shape(1, 1, rows, weights.OutputC), geometry, Residual.None, activation);
        device.MultiplyAdds += flat.MultiplyAdds;
        switch (weights.Form)
        {
            case ConvolutionForm.Naive:
                device.Launch(
                    NaiveKernel, rows * weights.OutputC, input.View, weights.Values, weights.Bias, depth, weights.OutputC, activation,
                    output.View);
                break;
            case ConvolutionForm.SimdVector:
                // One row of pixels for each row of the matrix, so that threads can share the rows.
                var each = ConvolutionSizes.From(
                    new Shape(1, rows, 1, depth), new Shape(1, rows, 1, weights.OutputC), geometry, Residual.None, activation);
                SimdVectorConvolution.Run(device, each, input.View, weights.Values, weights.Bias, output.View, output.View);
                break;
            case ConvolutionForm.Tile:
                var sizes = ConvolutionTile.Plan(device, flat);
                device.Launch(
                    TiledKernel, ConvolutionTile.Threads(sizes), input.View, weights.Values, weights.Bias, liveRows, sizes, output.View);
                break;
            case ConvolutionForm.SharedTile or ConvolutionForm.RegisterTile or ConvolutionForm.TensorTf32 or ConvolutionForm.TensorFp16:
                ImplicitGemm.Run(device, flat, input, weights.Form, weights.Values, weights.Bias, null, liveRows, output);
                break;
            case ConvolutionForm.Unfolded:
                UnfoldedConvolution.RunProduct(device, flat, input.View, weights.Values, weights.Bias, liveRows, output.View);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(weights), weights.Form, null);
        }
    }

    /// <summary>One thread = one output (m, k), from unpacked weights [C, K]. Read this first.</summary>
    internal static void NaiveKernel(
        Index1D index, ArrayView<float> input, ArrayView<float> weights, ArrayView<float> bias, int depth, int outputC,
        Activation activation, ArrayView<float> output)
    {
        var m = index / outputC;
        var k = index % outputC;
        var sum = bias[k];
        for (var c = 0; c < depth; c++)
            sum += input[m * depth + c] * weights[c * outputC + k];
        output[index] = Activate.Value(sum, activation);
    }

    /// <summary>One thread = a segment of rows × some blocks of output channels (see <see cref="Tiling"/>).</summary>
    internal static void TiledKernel(
        Index1D index, ArrayView<float> input, ArrayView<float> weights, ArrayView<float> bias, ArrayView<int> liveRows,
        ConvolutionSizes sizes, ArrayView<float> output)
    {
        var at = TilePosition.Of(index, sizes);
        if (at.X < liveRows[0])
            ConvolutionTile.Run(input, weights, bias, output, sizes, at, output);
    }
}
