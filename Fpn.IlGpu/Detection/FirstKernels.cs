using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Detection;

/// <summary>
/// The kernels that a detector's first picture needs. They are compiled on another thread while the weights are read. A kernel
/// that is missing here is compiled at its first launch; a test checks that the list is complete for the shipped model.
/// </summary>
internal static class FirstKernels
{
    /// <summary>The first kernels of a kind of detector (see <see cref="DetectorKind"/>) on a device.</summary>
    public static IEnumerable<Delegate> Of(Device device, string kind)
    {
        Delegate[] shared = [Preprocess.Kernel, .. Convolutions(device), MaxPool.Kernel];
        return kind is not (DetectorKind.FasterRcnn or DetectorKind.FastRcnn or DetectorKind.MaskRcnn)
            ? shared
            :
            [
                .. shared, .. device.Info.Kind == DeviceKind.Cpu ? SelectionOnCpu : SelectionOnGpu,
                Proposals.DecodeKernel, Proposals.GatherKernel, RoiLevels.Kernel, RoiAlign.Kernel, Softmax.Kernel,
                PostProcess.SegmentKernel, PostProcess.DecodeKernel, BestOfPicture.TakeKernel,
            ];
    }

    private static Delegate[] SelectionOnCpu => [TopKOnCpu.PartKernel, TopKOnCpu.MergeKernel, NmsOnCpu.Kernel];

    private static Delegate[] SelectionOnGpu => [
        TopKOnGpu.CountKernel, TopKOnGpu.PickKernel, TopKOnGpu.TallyKernel, TopKOnGpu.TakeKernel, TopKOnGpu.TakeAllKernel,
        CodeSort.TileKernel, CodeSort.IndexKernel, NmsOnGpu.MaskKernel, NmsOnGpu.KeepKernel,
    ];

    // Kernels of the forms that ConvolutionForms.Choose returns for the device.
    private static Delegate[] Convolutions(Device device) => (device.IsGpu, device.Info.Kind, device.Precision) switch
    {
        (false, DeviceKind.OpenCl, _) =>
        [
            UnfoldedConvolution.UnfoldKernel, UnfoldedConvolution.ProductKernel,
            StagedWinograd.InputKernel, StagedWinograd.ProductKernel, StagedWinograd.OutputKernel,
        ],
        (false, _, _) => [Convolution.TiledKernel, SimdWinograd.Kernel, MatrixProduct.TiledKernel],
        (true, _, Precision.Tf32) => [TensorTile.Tf32Kernel, GroupOutput.AddPartsKernel],
        (true, _, Precision.Fp16) => [TensorTile.Fp16Kernel, GroupOutput.AddPartsKernel],
        _ => [RegisterTile.Kernel, GroupOutput.AddPartsKernel, GpuWinograd.InputKernel, GpuWinograd.OutputKernel],
    };
}
