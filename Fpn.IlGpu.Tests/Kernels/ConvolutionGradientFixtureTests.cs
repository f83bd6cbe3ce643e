using System.Text.Json;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Tests.Reference;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Kernels;

/// <summary>Gradients of convolutions and fully connected layers against PyTorch's.</summary>
internal sealed class ConvolutionGradientFixtureTests(string deviceId) : DeviceTests(deviceId)
{
    private static readonly Lazy<StateDictionary> File = new(() => Safetensors.Open(
        Path.Combine(TestContext.CurrentContext.TestDirectory, "Kernels", "fixtures", "convolution_gradients.safetensors")));

    [Test]
    public void Convolutions_agree_with_PyTorch([Range(0, 10)] int number)
    {
        var name = $"conv.{number}";
        var parameters = JsonDocument.Parse(File.Value.Metadata[name]).RootElement;
        var window = new ConvolutionWindow(Pair("stride"), Pair("padding"), Pair("dilation"), parameters.GetProperty("groups").GetInt32());
        var geometry = Geometry(name, window);
        using var parameter = Device.Upload<float>(Values(name, "weights"));
        using var bias = Device.Upload<float>(Values(name, "bias"));
        using var input = Map(name, "input");
        using var outputGradient = Map(name, "output_gradient");

        using var forward = ConvolutionWeights.Reserve(Device, geometry, WeightLayout.Forward(geometry), bias.View);
        forward.Pack(Device, parameter.View);
        using var output = Tensor.Rent(Device, outputGradient.Shape);
        Convolution.Run(Device, input, forward, null, Activation.None, output);
        Check(name, "output", output.ToArray());

        using var backward = ConvolutionBackwardData.Reserve(Device, geometry);
        backward.Pack(parameter.View);
        using var inputGradient = Tensor.Rent(Device, input.Shape);
        backward.Run(outputGradient, inputGradient);
        Check(name, "input_gradient", inputGradient.ToArray());
        CheckParameters(name, geometry, input, outputGradient);

        (int Y, int X) Pair(string key) => (parameters.GetProperty(key)[0].GetInt32(), parameters.GetProperty(key)[1].GetInt32());
    }

    [Test]
    public void Fully_connected_layers_agree_with_PyTorch([Range(0, 2)] int number)
    {
        var name = $"linear.{number}";
        var geometry = Geometry(name, ConvolutionWindow.Square());
        using var parameter = Device.Upload<float>(Values(name, "weights"));
        using var bias = Device.Upload<float>(Values(name, "bias"));
        using var input = Map(name, "input");
        using var outputGradient = Map(name, "output_gradient");

        using var forward = ConvolutionWeights.ReserveProduct(Device, geometry, bias.View);
        forward.Pack(Device, parameter.View);
        using var rows = Device.Upload<int>([input.Shape.N]);
        using var output = Tensor.Rent(Device, outputGradient.Shape);
        MatrixProduct.Run(Device, input, forward, rows.View, Activation.None, output);
        Check(name, "output", output.ToArray());

        using var backward = MatrixProductBackward.Reserve(Device, geometry);
        backward.Pack(parameter.View);
        using var inputGradient = Tensor.Rent(Device, input.Shape);
        backward.Run(outputGradient, inputGradient);
        Check(name, "input_gradient", inputGradient.ToArray());
        CheckParameters(name, geometry, input, outputGradient);
    }

    private void CheckParameters(string name, ConvolutionGeometry geometry, Tensor input, Tensor outputGradient)
    {
        using var weightGradient = Device.Rent<float>(Values(name, "weights").Length);
        using var biasGradient = Device.Rent<float>(geometry.OutputC);
        ConvolutionBackwardWeights.Run(Device, geometry, input, outputGradient, weightGradient.View);
        ConvolutionBackwardBias.Run(Device, outputGradient, biasGradient.View);
        Check(name, "weight_gradient", weightGradient.Download());
        Check(name, "bias_gradient", biasGradient.Download());
    }

    private static ConvolutionGeometry Geometry(string name, ConvolutionWindow window)
        => File.Value[$"{name}.weights"].Shape is [var k, var c, var h, var w]
            ? new ConvolutionGeometry((int)h, (int)w, (int)c, (int)k, window)
            : throw new InvalidDataException(name);

    private Tensor Map(string name, string tensor)
        => File.Value[$"{name}.{tensor}"].Shape is [var n, var h, var w, var c]
            ? Tensor.Upload(Device, new Shape((int)n, (int)h, (int)w, (int)c), Values(name, tensor))
            : throw new InvalidDataException(name);

    private static float[] Values(string name, string tensor) => File.Value[$"{name}.{tensor}"].ToArray();

    private static void Check(string name, string tensor, float[] actual)
    {
        var expected = Values(name, tensor);
        Comparison.AssertClose(actual, expected, 1e-5 * expected.Max(Math.Abs), 1e-4, [], $"{name}.{tensor}");
    }
}
