using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Bench;

/// <summary>A layer with random values, computed by one form, either whole or only its first rows.</summary>
internal sealed class LayerRun : IDisposable
{
    private readonly Device device;
    private readonly Tensor input;
    private readonly Tensor output;
    private readonly ConvolutionWeights weights;
    private readonly DeviceArray<int>? liveRows;

    /// <summary>Uploads random values, and runs the layer once.</summary>
    /// <param name="device">The device to run on.</param>
    /// <param name="shape">The layer.</param>
    /// <param name="form">The form that computes the layer; null for the device's production form.</param>
    /// <param name="rows">The number of input rows; null for all.</param>
    public LayerRun(Device device, LayerShape shape, ConvolutionForm? form, int? rows = null)
    {
        this.device = device;
        var geometry = shape.Geometry;
        var h = rows ?? shape.H;
        var inputShape = shape.IsProduct ? new Shape(h, 1, 1, shape.C) : new Shape(1, h, shape.W, shape.C);
        var outputShape = shape.IsProduct
            ? new Shape(h, 1, 1, shape.K)
            : geometry.Window.OutputShape(inputShape, shape.Side, shape.Side, shape.K);
        input = Tensor.Upload(device, inputShape, Values((int)inputShape.Length));
        output = Tensor.Rent(device, outputShape);
        weights = ConvolutionWeights.From(
            device, Values(geometry.KernelH * geometry.KernelW * shape.C * shape.K), Values(shape.K), geometry, form);
        liveRows = shape.IsProduct ? device.Upload<int>([h]) : null;
        var before = device.MultiplyAdds;
        Queue();
        device.Synchronize();
        MultiplyAdds = device.MultiplyAdds - before;
    }

    /// <summary>The multiply-adds of the layer's definition, also for a form that needs fewer.</summary>
    public long MultiplyAdds { get; }

    /// <summary>The mean time of <paramref name="repeats"/> consecutive runs, in ms.</summary>
    public double Ms(int repeats) => Timing.Ms(()
    =>
    {
        for (var i = 0; i < repeats; i++)
            Queue();
        device.Synchronize();
    }) / repeats;

    /// <inheritdoc/>
    public void Dispose()
    {
        input.Dispose();
        output.Dispose();
        weights.Dispose();
        liveRows?.Dispose();
    }

    /// <summary>Queues one run.</summary>
    public void Queue()
    {
        if (liveRows is not null)
            MatrixProduct.Run(device, input, weights, liveRows.View, Activation.Relu, output);
        else
            Convolution.Run(device, input, weights, null, Activation.Relu, output);
    }

    /// <summary>Random values from −0.5 to 0.5, the same for the same count.</summary>
    public static float[] Values(int count)
    {
        var random = new Random(count);
        var values = new float[count];
        foreach (ref var value in values.AsSpan())
            value = random.NextSingle() - 0.5f;
        return values;
    }
}
