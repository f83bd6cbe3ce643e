using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Kernels;

/// <summary>What is known of a convolution before its input comes.</summary>
/// <param name="KernelH">Rows of the window.</param>
/// <param name="KernelW">Columns of the window.</param>
/// <param name="GroupInputC">C / groups.</param>
/// <param name="OutputC">K.</param>
/// <param name="Window">Stride, padding, dilation, groups.</param>
internal readonly record struct ConvolutionGeometry(
    int KernelH, int KernelW, int GroupInputC, int OutputC, ConvolutionWindow Window)
{
    /// <summary>A matrix product of rows of C values.</summary>
    public static ConvolutionGeometry Product(int inputC, int outputC) => new(1, 1, inputC, outputC, ConvolutionWindow.Square());

    /// <summary>Whether each channel is convolved by itself.</summary>
    public bool IsDepthwise => GroupInputC == 1 && Window.Groups == OutputC && Window.Groups > 1;
}

/// <summary>Which form computes a convolution on a device, and how its weights are packed for it.</summary>
internal static class ConvolutionForms
{
    /// <summary>All forms that a device can run for a convolution, slowest first: what the bench climbs and the tests compare.</summary>
    public static IReadOnlyList<ConvolutionForm> Ladder(Device device, in ConvolutionGeometry geometry)
    {
        var all = geometry;
        return [.. Enum.GetValues<ConvolutionForm>().Where(form => Takes(device, form, all))];
    }

    /// <summary>The form that runs in production: of those that take the convolution, the last.</summary>
    public static ConvolutionForm Choose(Device device, in ConvolutionGeometry geometry)
    {
        if (geometry.IsDepthwise)
            return ConvolutionForm.Depthwise;
        if (device.Info.Kind == DeviceKind.OpenCl && !device.IsGpu)
            return StagedWinograd.Takes(geometry) ? ConvolutionForm.StagedWinograd : ConvolutionForm.Unfolded;
        return Takes(device, ConvolutionForm.SimdWinograd, geometry) ? ConvolutionForm.SimdWinograd : ConvolutionForm.Tile;
    }

    /// <summary>Whether a form can compute a convolution on a device.</summary>
    public static bool Takes(Device device, ConvolutionForm form, in ConvolutionGeometry geometry) => form switch
    {
        ConvolutionForm.Naive or ConvolutionForm.Tile => true,
        ConvolutionForm.Depthwise => geometry.IsDepthwise,
        ConvolutionForm.SimdVector => device.Info.Kind == DeviceKind.Cpu,
        ConvolutionForm.Unfolded => device.Info.Kind == DeviceKind.OpenCl,
        ConvolutionForm.SimdWinograd => device.Info.Kind == DeviceKind.Cpu && SimdWinograd.Takes(geometry),
        ConvolutionForm.StagedWinograd => device.Info.Kind == DeviceKind.OpenCl && StagedWinograd.Takes(geometry),
        _ => throw new ArgumentOutOfRangeException(nameof(form), form, null),
    };

    /// <summary>Output channels that lie side by side in packed weights; a group's last block is filled up with zeros.</summary>
    public static int BlockChannels(Device device, ConvolutionForm form, in ConvolutionGeometry geometry) => form switch
    {
        ConvolutionForm.Naive => geometry.OutputC / geometry.Window.Groups,
        ConvolutionForm.Depthwise => geometry.OutputC,
        ConvolutionForm.Unfolded or ConvolutionForm.StagedWinograd => LocalTile.Channels,
        ConvolutionForm.SimdWinograd => SimdTile.Channels,
        _ => ConvolutionTile.Shape(device).Channels,
    };

    /// <summary>Values of a block.</summary>
    public static int BlockLength(ConvolutionForm form, in ConvolutionGeometry geometry, int blockC)
        => (IsWinograd(form) ? WinogradTransform.Values : geometry.KernelH * geometry.KernelW)
            * geometry.GroupInputC * blockC;

    /// <summary>Packs a block of output channels.</summary>
    /// <param name="form">What is to read it.</param>
    /// <param name="geometry">The convolution.</param>
    /// <param name="torch">[up to blockC, C / groups, kh, kw].</param>
    /// <param name="blockC">Channels of a block.</param>
    /// <param name="packed">
    /// All zeros; the direct forms take [kh, kw, C / groups, blockC], Winograd's [36, C, blockC].
    /// </param>
    public static void PackBlock(
        ConvolutionForm form, in ConvolutionGeometry geometry, ReadOnlySpan<float> torch, int blockC, Span<float> packed)
    {
        var inputC = geometry.GroupInputC;
        var positions = geometry.KernelH * geometry.KernelW;
        var depth = positions * inputC;
        for (var k = 0; k < torch.Length / depth; k++)
        {
            var own = torch.Slice(k * depth, depth);
            for (var c = 0; c < inputC; c++)
            {
                if (IsWinograd(form))
                {
                    WinogradTransform.Weights(own.Slice(c * positions, positions), packed[(c * blockC + k)..], inputC * blockC);
                    continue;
                }
                for (var p = 0; p < positions; p++)
                    packed[(p * inputC + c) * blockC + k] = own[c * positions + p];
            }
        }
    }

    /// <summary>Whether a form reads weights that are transformed.</summary>
    public static bool IsWinograd(ConvolutionForm form) => form is ConvolutionForm.SimdWinograd or ConvolutionForm.StagedWinograd;
}
