using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Bench;

/// <summary>A pass of a training step through a layer.</summary>
internal enum LayerPass
{
    /// <summary>Repacking the weights for the forward pass and for the gradient of the input.</summary>
    Pack,

    /// <summary>The layer's forward pass.</summary>
    Forward,

    /// <summary>The gradient of its input.</summary>
    Data,

    /// <summary>The gradients of its weights and bias.</summary>
    Weights,
}

/// <summary>A layer with random values, run as in a training step.</summary>
internal sealed class GradientRun : IDisposable
{
    private readonly Device device;
    private readonly LayerShape shape;
    private readonly Tensor input;
    private readonly Tensor output;
    private readonly Tensor inputGradient;
    private readonly Tensor outputGradient;
    private readonly DeviceArray<float> parameter;
    private readonly DeviceArray<float> bias;
    private readonly DeviceArray<float> weightGradient;
    private readonly DeviceArray<float> biasGradient;
    private readonly ConvolutionWeights forward;
    private readonly DeviceArray<int> rows;
    private readonly ConvolutionGeometry geometry;
    private readonly ConvolutionBackwardData? backward;
    private readonly MatrixProductBackward? productBackward;

    /// <summary>Uploads random values, and runs every pass once.</summary>
    public GradientRun(Device device, LayerShape shape)
    {
        (this.device, this.shape) = (device, shape);
        geometry = shape.IsProduct
            ? new ConvolutionGeometry(shape.Map, shape.Map, shape.C / shape.Map / shape.Map, shape.K, ConvolutionWindow.Square())
            : shape.Geometry;
        var inputShape = shape.IsProduct
            ? new Shape(shape.H, shape.Map, shape.Map, geometry.ChannelGroupInputC)
            : new Shape(shape.Batch, shape.H, shape.W, shape.C);
        var outputShape = geometry.Window.OutputShape(inputShape, geometry.KernelH, geometry.KernelW, shape.K);
        input = Tensor.Upload(device, inputShape, LayerRun.Values((int)inputShape.Length));
        inputGradient = Tensor.Rent(device, inputShape);
        output = Tensor.Rent(device, outputShape);
        outputGradient = Tensor.Upload(device, outputShape, LayerRun.Values((int)outputShape.Length));
        parameter = device.Upload<float>(LayerRun.Values(geometry.KernelH * geometry.KernelW * geometry.ChannelGroupInputC * shape.K));
        bias = device.Upload<float>(LayerRun.Values(shape.K));
        weightGradient = device.Rent<float>(parameter.Length);
        biasGradient = device.Rent<float>(shape.K);
        rows = device.Upload<int>([shape.H]);
        if (shape.IsProduct)
        {
            forward = ConvolutionWeights.ReserveProduct(device, geometry, bias.View);
            productBackward = MatrixProductBackward.Reserve(device, geometry);
        }
        else
        {
            forward = ConvolutionWeights.Reserve(device, geometry, WeightLayout.Forward(geometry), bias.View);
            // The first layer's input is the picture, which needs no gradient.
            backward = IsFirst(shape) ? null : ConvolutionBackwardData.Reserve(device, geometry);
        }
        foreach (var pass in Passes(shape))
            Ms(pass, 1);
    }

    /// <summary>The passes of a training step through a layer: all, except for the gradient of the picture.</summary>
    public static IEnumerable<LayerPass> Passes(LayerShape shape)
        => Enum.GetValues<LayerPass>().Where(pass => pass != LayerPass.Data || !IsFirst(shape));

    /// <summary>The mean time of a pass over <paramref name="repeats"/> consecutive runs, in ms.</summary>
    public double Ms(LayerPass pass, int repeats) => Timing.Ms(()
    =>
    {
        for (var i = 0; i < repeats; i++)
            Queue(pass);
        device.Synchronize();
    }) / repeats;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var owned in (IDisposable[])
            [input, output, inputGradient, outputGradient, parameter, bias, weightGradient, biasGradient, rows, forward])
        {
            owned.Dispose();
        }
        backward?.Dispose();
        productBackward?.Dispose();
    }

    private static bool IsFirst(LayerShape shape) => shape.C == 3;

    private void Queue(LayerPass pass)
    {
        switch (pass)
        {
            case LayerPass.Pack:
                forward.Pack(device, parameter.View);
                backward?.Pack(parameter.View);
                productBackward?.Pack(parameter.View);
                break;
            case LayerPass.Forward:
                if (shape.IsProduct)
                    MatrixProduct.Run(device, input, forward, rows.View, Activation.None, output);
                else
                    Convolution.Run(device, input, forward, null, Activation.None, output);
                break;
            case LayerPass.Data:
                backward?.Run(outputGradient, inputGradient);
                productBackward?.Run(outputGradient, inputGradient);
                break;
            default:
                ConvolutionBackwardWeights.Run(device, geometry, input, outputGradient, weightGradient.View);
                ConvolutionBackwardBias.Run(device, outputGradient, biasGradient.View);
                break;
        }
    }
}
