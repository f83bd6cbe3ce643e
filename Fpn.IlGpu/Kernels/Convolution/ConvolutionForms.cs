using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Kernels;

/// <summary>Chooses the form that computes a convolution on a device, and packs weights for it.</summary>
internal static class ConvolutionForms
{
    private const int LeastTileChannels = 8;

    /// <summary>
    /// Returns all forms that can compute a convolution on a device, slowest first. The bench times them and the tests compare them.
    /// </summary>
    public static IReadOnlyList<ConvolutionForm> Ladder(Device device, in ConvolutionGeometry geometry)
    {
        var all = geometry;
        return [.. Enum.GetValues<ConvolutionForm>().Where(form => Takes(device, form, all))];
    }

    /// <summary>
    /// Returns the form that runs in production. On a GPU: tensor cores where the device's precision allows them; otherwise Winograd where
    /// it pays, and register tiles elsewhere. On a CPU: Winograd where it applies, otherwise a tile. Through OpenCL on a CPU: Winograd in
    /// stages where it applies, otherwise the unfolded form. Depthwise convolutions have a form of their own. On a GPU, channel groups that
    /// are too small for a thread group's tile take <see cref="ConvolutionForm.Tile"/>.
    /// </summary>
    public static ConvolutionForm Choose(Device device, in ConvolutionGeometry geometry) => Choose(device, geometry, device.Precision);

    /// <summary>
    /// Returns the form for weights that are trained and packed again on the device in each step: always a float32 form.
    /// </summary>
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

    /// <summary>Returns the number of output channels in a block of packed weights. A group's last block is padded with zeros.</summary>
    public static int BlockChannels(Device device, ConvolutionForm form, in ConvolutionGeometry geometry) => form switch
    {
        ConvolutionForm.Naive => geometry.ChannelGroupOutputC,
        ConvolutionForm.Depthwise => geometry.OutputC,
        ConvolutionForm.Unfolded or ConvolutionForm.StagedWinograd => LocalTile.Channels,
        ConvolutionForm.SimdWinograd => SimdTile.Channels,
        ConvolutionForm.Tile or ConvolutionForm.SimdVector => ConvolutionTile.Shape(device).Channels,
        _ => ImplicitGemm.Shape(form, geometry.ChannelGroupOutputC).Channels,
    };

    /// <summary>Returns the number of floats in a block.</summary>
    public static int BlockLength(ConvolutionForm form, in ConvolutionGeometry geometry, int blockC)
    {
        var depth = geometry.KernelH * geometry.KernelW * geometry.ChannelGroupInputC;
        return form switch
        {
            ConvolutionForm.SimdWinograd or ConvolutionForm.StagedWinograd or ConvolutionForm.GpuWinograd
                => WinogradTransform.Values * geometry.ChannelGroupInputC * blockC,
            // Padded with zeros to whole steps. Two FP16 values share a float.
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
    /// <param name="form">The form that reads the block.</param>
    /// <param name="geometry">The convolution.</param>
    /// <param name="torch">[up to blockC, C / groups, kh, kw], in PyTorch's order.</param>
    /// <param name="blockC">Output channels in a block.</param>
    /// <param name="packed">
    /// The block, all zeros on entry: [kh, kw, C / groups, blockC] for the direct forms, [36, C, blockC] for Winograd's, and for tensor
    /// cores what <see cref="TensorWeights"/> describes.
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

    /// <summary>Whether a form reads Winograd-transformed weights.</summary>
    public static bool IsWinograd(ConvolutionForm form)
        => form is ConvolutionForm.SimdWinograd or ConvolutionForm.StagedWinograd or ConvolutionForm.GpuWinograd;
}
