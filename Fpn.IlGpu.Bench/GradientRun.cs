using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Bench;

/// <summary>What a training step does with a layer.</summary>
internal enum LayerPass
{
    /// <summary>Packing the weights anew for the forward pass and for the gradient of the input.</summary>
    Pack,

    /// <summary>The layer itself.</summary>
    Forward,

    /// <summary>The gradient of its input.</summary>
    Data,

    /// <summary>The gradients of its weights and bias.</summary>
    Weights,
}

/// <summary>A layer on random values, as a training step runs it.</summary>
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
    private readonly ConvolutionBackwardData backward;

    /// <summary>Uploads values.</summary>
    public GradientRun(Device device, LayerShape shape)
    {
        (this.device, this.shape) = (device, shape);
        var geometry = shape.Geometry;
        var inputShape = shape.IsProduct ? new Shape(shape.H, 1, 1, shape.C) : new Shape(shape.Batch, shape.H, shape.W, shape.C);
        var outputShape = geometry.Window.OutputShape(inputShape, geometry.KernelH, geometry.KernelW, shape.K);
        input = Tensor.Upload(device, inputShape, LayerRun.Values((int)inputShape.Length));
        inputGradient = Tensor.Rent(device, inputShape);
        output = Tensor.Rent(device, outputShape);
        outputGradient = Tensor.Upload(device, outputShape, LayerRun.Values((int)outputShape.Length));
        parameter = device.Upload<float>(LayerRun.Values(geometry.KernelH * geometry.KernelW * shape.C * shape.K));
        bias = device.Upload<float>(LayerRun.Values(shape.K));
        weightGradient = device.Rent<float>(parameter.Length);
        biasGradient = device.Rent<float>(shape.K);
        forward = ConvolutionWeights.Reserve(device, geometry, WeightLayout.Forward(geometry), bias.View);
        backward = ConvolutionBackwardData.Reserve(device, geometry);
        foreach (var pass in Enum.GetValues<LayerPass>())
            Ms(pass, 1);
    }

    /// <summary>The milliseconds of a pass, the mean of some in a row.</summary>
    public double Ms(LayerPass pass, int repeats) => Timing.Ms(() =>
    {
        for (var i = 0; i < repeats; i++)
            Queue(pass);
        device.Synchronize();
    }) / repeats;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var owned in (IDisposable[])
            [input, output, inputGradient, outputGradient, parameter, bias, weightGradient, biasGradient, forward, backward])
        {
            owned.Dispose();
        }
    }

    private void Queue(LayerPass pass)
    {
        switch (pass)
        {
            case LayerPass.Pack:
                forward.Pack(device, parameter.View);
                backward.Pack(parameter.View);
                break;
            case LayerPass.Forward:
                Convolution.Run(device, input, forward, null, Activation.None, output);
                break;
            case LayerPass.Data:
                backward.Run(outputGradient, inputGradient);
                break;
            default:
                ConvolutionBackwardWeights.Run(device, shape.Geometry, input, outputGradient, weightGradient.View);
                ConvolutionBackwardBias.Run(device, outputGradient, biasGradient.View);
                break;
        }
    }
}
