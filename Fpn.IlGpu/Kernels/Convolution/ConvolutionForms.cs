using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Kernels;

/// <summary>Which form computes a convolution on a device, and how its weights are packed for it.</summary>
internal static class ConvolutionForms
{
    private const int LeastTileChannels = 8;

    /// <summary>All forms that a device can run for a convolution, slowest first: what the bench climbs and the tests compare.</summary>
    public static IReadOnlyList<ConvolutionForm> Ladder(Device device, in ConvolutionGeometry geometry)
    {
        var all = geometry;
        return [.. Enum.GetValues<ConvolutionForm>().Where(form => Takes(device, form, all))];
    }

    /// <summary>
    /// The form that runs in production. On a GPU: tensor cores where the device's precision is for them, and else Winograd where
    /// it pays and tiles of registers where not; each channel by itself, and groups of so few that most of a tile would be for
    /// nothing, have forms of their own. On a CPU: Winograd where it can, and else a tile.
    /// </summary>
    public static ConvolutionForm Choose(Device device, in ConvolutionGeometry geometry) => Choose(device, geometry, device.Precision);

    /// <summary>The form that runs where weights are trained, and packed anew on the device in each step: in float32.</summary>
    public static ConvolutionForm ChooseTrained(Device device, in ConvolutionGeometry geometry) => Choose(device, geometry, Precision.Fp32);

    private static ConvolutionForm Choose(Device device, in ConvolutionGeometry geometry, Precision precision)
    {
        if (geometry.IsDepthwise)
            return ConvolutionForm.Depthwise;
        if (device.Info.Kind == DeviceKind.OpenCl && !device.IsGpu)
            return StagedWinograd.Takes(geometry) ? ConvolutionForm.StagedWinograd : ConvolutionForm.Unfolded;
        if (!device.IsGpu)
            return Takes(device, ConvolutionForm.SimdWinograd, geometry) ? ConvolutionForm.SimdWinograd : ConvolutionForm.Tile;
        var narrow = geometry.Window.ChannelGroups > 1 && geometry.ChannelGroupOutputC < LeastTileChannels;
        var wide = narrow ? ConvolutionForm.Tile : precision switch
        {
            Precision.Fp16 => ConvolutionForm.TensorFp16,
            Precision.Tf32 => ConvolutionForm.TensorTf32,
            _ => GpuWinograd.Pays(geometry) && GpuWinograd.Takes(device, geometry)
                ? ConvolutionForm.GpuWinograd : ConvolutionForm.RegisterTile,
        };
        return Takes(device, wide, geometry) ? wide : ConvolutionForm.Tile;
    }

    /// <summary>Whether a form can compute a convolution on a device.</summary>
    public static bool Takes(Device device, ConvolutionForm form, in ConvolutionGeometry geometry) => form switch
    {
        ConvolutionForm.Naive or ConvolutionForm.Tile => true,
        ConvolutionForm.Depthwise => geometry.IsDepthwise,
        ConvolutionForm.SharedTile or ConvolutionForm.RegisterTile => ImplicitGemm.Fits(device, form, geometry.ChannelGroupOutputC),
        ConvolutionForm.GpuWinograd => GpuWinograd.Takes(device, geometry),
        ConvolutionForm.TensorTf32 or ConvolutionForm.TensorFp16 =>
            device.Info.HasTensorCores && ImplicitGemm.Fits(device, form, geometry.ChannelGroupOutputC),
        ConvolutionForm.SimdVector => device.Info.Kind == DeviceKind.Cpu,
        ConvolutionForm.Unfolded => device.Info.Kind == DeviceKind.OpenCl,
        ConvolutionForm.SimdWinograd => device.Info.Kind == DeviceKind.Cpu && SimdWinograd.Takes(geometry),
        ConvolutionForm.StagedWinograd => device.Info.Kind == DeviceKind.OpenCl && StagedWinograd.Takes(geometry),
        _ => throw new ArgumentOutOfRangeException(nameof(form), form, null),
    };

    /// <summary>Output channels that lie side by side in packed weights; a group's last block is filled up with zeros.</summary>
    public static int BlockChannels(Device device, ConvolutionForm form, in ConvolutionGeometry geometry) => form switch
    {
        ConvolutionForm.Naive => geometry.ChannelGroupOutputC,
        ConvolutionForm.Depthwise => geometry.OutputC,
        ConvolutionForm.Unfolded or ConvolutionForm.StagedWinograd => LocalTile.Channels,
        ConvolutionForm.SimdWinograd => SimdTile.Channels,
        ConvolutionForm.Tile or ConvolutionForm.SimdVector => ConvolutionTile.Shape(device).Channels,
        _ => ImplicitGemm.Shape(form, geometry.ChannelGroupOutputC).Channels,
    };

    /// <summary>Values of a block.</summary>
    public static int BlockLength(ConvolutionForm form, in ConvolutionGeometry geometry, int blockC)
    {
        var depth = geometry.KernelH * geometry.KernelW * geometry.ChannelGroupInputC;
        return form switch
        {
            ConvolutionForm.SimdWinograd or ConvolutionForm.StagedWinograd or ConvolutionForm.GpuWinograd
                => WinogradTransform.Values * geometry.ChannelGroupInputC * blockC,
            // Whole steps: the last one is filled up with zeros. Two halves lie in a float.
            ConvolutionForm.TensorFp16 => WholeSteps(depth, form, geometry) * blockC / 2,
            ConvolutionForm.SharedTile or ConvolutionForm.RegisterTile or ConvolutionForm.TensorTf32
                => WholeSteps(depth, form, geometry) * blockC,
            _ => depth * blockC,
        };
    }

    private static int WholeSteps(int depth, ConvolutionForm form, in ConvolutionGeometry geometry)
    {
        var step = ImplicitGemm.Shape(form, geometry.ChannelGroupOutputC).StepDepth;
        return Division.CeilDiv(depth, step) * step;
    }

    /// <summary>Packs a block of output channels.</summary>
    /// <param name="form">What is to read it.</param>
    /// <param name="geometry">The convolution.</param>
    /// <param name="torch">[up to blockC, C / groups, kh, kw].</param>
    /// <param name="blockC">Channels of a block.</param>
    /// <param name="packed">
    /// All zeros; the direct forms take [kh, kw, C / groups, blockC], Winograd's [36, C, blockC], and tensor cores what
    /// <see cref="TensorWeights"/> says.
    /// </param>
    public static void PackBlock(
        ConvolutionForm form, in ConvolutionGeometry geometry, ReadOnlySpan<float> torch, int blockC, Span<float> packed)
    {
        var inputC = geometry.ChannelGroupInputC;
        var positions = geometry.KernelH * geometry.KernelW;
        var depth = positions * inputC;
        if (form is ConvolutionForm.TensorTf32 or ConvolutionForm.TensorFp16)
        {
            TensorWeights.Pack(form == ConvolutionForm.TensorFp16, positions, inputC, torch, blockC, packed);
            return;
        }
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
    public static bool IsWinograd(ConvolutionForm form)
        => form is ConvolutionForm.SimdWinograd or ConvolutionForm.StagedWinograd or ConvolutionForm.GpuWinograd;
}
