using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Verification;

namespace Fpn.IlGpu.Tests.Kernels;

/// <summary>A convolution with fixed values on a device, and its gradients.</summary>
internal sealed class ConvolutionRun : IDisposable
{
    private readonly Device device;
    private readonly ConvolutionGeometry geometry;
    private readonly DeviceArray<float> parameter;
    private readonly ConvolutionBackwardData backward;

    public ConvolutionRun(Device device, ConvolutionGeometry geometry, Shape shape)
    {
        (this.device, this.geometry) = (device, geometry);
        var output = geometry.Window.OutputShape(shape, geometry.KernelH, geometry.KernelW, geometry.OutputC);
        InputValues = CaseValues.Uniform((int)shape.Length, 1);
        WeightValues = CaseValues.Uniform(geometry.OutputC * geometry.ChannelGroupInputC * geometry.KernelH * geometry.KernelW, 2);
        BiasValues = CaseValues.Uniform(geometry.OutputC, 3);
        OutputGradientValues = CaseValues.Uniform((int)output.Length, 4);
        Input = Tensor.Upload(device, shape, InputValues);
        OutputGradient = Tensor.Upload(device, output, OutputGradientValues);
        parameter = device.Upload<float>(WeightValues);
        backward = ConvolutionBackwardData.Reserve(device, geometry);
        backward.Pack(parameter.View);
    }

    public float[] InputValues { get; }

    /// <summary>[K, C / groups, kh, kw].</summary>
    public float[] WeightValues { get; }

    public float[] BiasValues { get; }

    public float[] OutputGradientValues { get; }

    public Tensor Input { get; }

    public Tensor OutputGradient { get; }

    public ILGPU.ArrayView<float> Parameter => parameter.View;

    public float[] ReferenceOutput() => Conv2dReference.Run(
        InputValues, Conv2dGradientReference.ToForward(geometry, WeightValues), BiasValues, null,
        new Shape4(Input.Shape.N, Input.Shape.H, Input.Shape.W, Input.Shape.C), (geometry.KernelH, geometry.KernelW), geometry.OutputC,
        geometry.Window.Stride, geometry.Window.Padding, geometry.Window.Dilation, geometry.Window.ChannelGroups);

    /// <summary>Σ dout · out.</summary>
    public double ReferenceLoss() => ReferenceOutput().Zip(OutputGradientValues, (a, b) => (double)a * b).Sum();

    /// <summary>Downloads the values of a view.</summary>
    public static float[] Download(Device device, ILGPU.ArrayView<float> view)
    {
        using var anyArray = device.Rent<float>(1);
        return anyArray.Download(view);
    }

    public float[] InputGradient(bool accumulate)
    {
        using var gradient = Tensor.Upload(device, Input.Shape, Before(Input.Shape.Length, accumulate));
        backward.Run(OutputGradient, gradient, accumulate);
        return gradient.ToArray();
    }

    public float[] NaiveInputGradient()
    {
        using var gradient = Tensor.Upload(device, Input.Shape, Before(Input.Shape.Length, accumulate: false));
        ConvolutionBackwardData.RunNaive(device, geometry, OutputGradient, parameter.View, gradient);
        return gradient.ToArray();
    }

    public float[] WeightGradient(WeightGradientForm? form, bool accumulate)
    {
        using var gradient = device.Upload<float>(Before(parameter.Length, accumulate));
        ConvolutionBackwardWeights.Run(device, geometry, Input, OutputGradient, gradient.View, accumulate, form);
        return gradient.Download();
    }

    public float[] BiasGradient(bool accumulate)
    {
        using var gradient = device.Upload<float>(Before(geometry.OutputC, accumulate));
        ConvolutionBackwardBias.Run(device, OutputGradient, gradient.View, accumulate);
        return gradient.Download();
    }

    public void Dispose()
    {
        Input.Dispose();
        OutputGradient.Dispose();
        parameter.Dispose();
        backward.Dispose();
    }

    /// <summary>A gradient's initial values: 1 to accumulate onto, otherwise NaN, which never passes.</summary>
    private static float[] Before(long count, bool accumulate)
    {
        var values = CaseValues.Unwritten(count);
        if (accumulate)
            Array.Fill(values, 1);
        return values;
    }
}
