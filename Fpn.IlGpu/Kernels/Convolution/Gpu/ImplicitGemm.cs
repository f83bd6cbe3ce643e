using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Launches the forms in which thread groups compute a convolution as an implicit matrix product (implicit GEMM): the matrix of windows
/// is never written, and each group reads its part of it from the input. The forms are <see cref="SharedTile"/> and those that build on
/// it.
/// </summary>
internal static class ImplicitGemm
{
    /// <summary>Launches a form. Where the depth is split, a second launch adds up the parts.</summary>
    /// <param name="device">The device that holds all tensors.</param>
    /// <param name="sizes">The convolution's sizes.</param>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="form">The form.</param>
    /// <param name="weights">Packed for the form.</param>
    /// <param name="bias">[K].</param>
    /// <param name="residual">[N, OH, OW, K], or the coarser map, to add; or null.</param>
    /// <param name="liveRows">[1]: how many of the pixels count; or null where all do.</param>
    /// <param name="output">[N, OH, OW, K].</param>
    public static void Run(
        Device device, ConvolutionSizes sizes, Tensor input, ConvolutionForm form, ArrayView<float> weights, ArrayView<float> bias, Tensor? residual, ArrayView<int>? liveRows,
        Tensor output)
    {
        var shape = Shape(form, sizes.ChannelGroupOutputC);
        var tiling = GroupTiling.Plan(device, shape, sizes, input, residual, output) with { HasLiveRows = liveRows is null ? 0 : 1 };
        var groups = tiling.Groups(sizes, shape.Threads);
        // Where all pixels count, another array stands in for their number and is not read.
        var live = liveRows ?? bias.Cast<int>();
        var residualView = (residual ?? output).View;
        if (tiling.Splits == 1)
        {
            Launch(device, groups, sizes, tiling, input, form, weights, bias, residualView, live, output.View);
            return;
        }
        using var parts = device.Rent<float>(tiling.Splits * output.Shape.Length);
        Launch(device, groups, sizes, tiling, input, form, weights, bias, residualView, live, parts.View);
        device.Launch(
            GroupOutput.AddPartsKernel, (int)output.Shape.Length, parts.View, bias, residualView, sizes, tiling.Splits,
            output.View);
    }

    /// <summary>Whether a device allows groups of a form's size and shared memory.</summary>
    public static bool Fits(Device device, ConvolutionForm form, int channelGroupOutputC)
    {
        var shape = Shape(form, channelGroupOutputC);
        return device.Info.Kind != DeviceKind.Cpu
            && shape.Threads <= device.Limits.GroupThreads && shape.SharedBytes <= device.Limits.SharedBytes;
    }

    /// <summary>Returns the thread groups of a form.</summary>
    public static GroupShape Shape(ConvolutionForm form, int channelGroupOutputC) => form switch
    {
        ConvolutionForm.SharedTile => SharedTile.Shape,
        ConvolutionForm.RegisterTile or ConvolutionForm.GpuWinograd => RegisterTile.Shape,
        ConvolutionForm.TensorTf32 or ConvolutionForm.TensorFp16 => TensorTile.Shape(channelGroupOutputC),
        _ => throw new ArgumentOutOfRangeException(nameof(form), form, null),
    };

    private static void Launch(
        Device device, KernelConfig groups, ConvolutionSizes sizes, GroupTiling tiling, Tensor input, ConvolutionForm form,
        ArrayView<float> weights, ArrayView<float> bias, ArrayView<float> residual, ArrayView<int> liveRows, ArrayView<float> output)
    {
        switch (form)
        {
            case ConvolutionForm.SharedTile:
                device.LaunchGroups(
                    SharedTile.Kernel, groups, input.View, weights, bias, residual, liveRows, sizes, tiling, output);
                break;
            case ConvolutionForm.RegisterTile:
                device.LaunchGroups(
                    RegisterTile.Kernel, groups, input.View, weights, bias, residual, liveRows, sizes, tiling, output);
                break;
            case ConvolutionForm.TensorTf32:
                device.LaunchGroups(
                    TensorTile.Tf32Kernel, groups, AddressedView.Of(input.View), AddressedView.Of(weights), bias, residual,
                    liveRows, sizes, tiling, output);
                break;
            case ConvolutionForm.TensorFp16:
                device.LaunchGroups(
                    TensorTile.Fp16Kernel, groups, AddressedView.Of(input.View), AddressedView.Of(weights), bias, residual,
                    liveRows, sizes, tiling, output);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(form), form, null);
        }
    }
}
